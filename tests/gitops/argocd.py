"""A real Argo CD beside the cluster: its parts as processes."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kserve_lite.local import ports
from tests.gitops.parts import Parts
from tools import build
from tools.cache import CLONE
from tools.errors import ToolError

NAMESPACE = "argocd"
PORTS = ("redis", "repo", "repo-metrics", "metrics", "sets", "sets-probe", "sets-hook")
RESYNC = 30  # seconds after which an application is compared anew without being asked to
Object = dict[str, Any]


@dataclass
class ArgoCD(Parts):
    """Redis, repo-server, application and ApplicationSet controller; `folder` has their files and logs."""

    ports: Mapping[str, int] = field(
        default_factory=lambda: dict(zip(PORTS, ports.free(len(PORTS)), strict=True))
    )

    def start(self) -> None:
        """Make what Argo CD's own server would make, and run the parts."""
        self._objects()
        self._run()

    def app(self, name: str) -> Object:
        """Return the status of an Application; empty when there is none."""
        try:
            found: Object = self.kubectl.get("application", name, f"--namespace={NAMESPACE}")
        except ToolError:
            return {}
        return found.get("status") or {}

    def apps(self) -> dict[str, Object]:
        """Return the status of every Application by name."""
        found = self.kubectl.get("applications", f"--namespace={NAMESPACE}")["items"]
        return {one["metadata"]["name"]: one.get("status") or {} for one in found}

    def refresh(self, kind: str = "normal") -> None:
        """Have everything looked at anew: the branch by ApplicationSets and Applications."""
        place = (f"--namespace={NAMESPACE}", "--all", "--overwrite")
        self.kubectl("annotate", "applications", *place, f"argocd.argoproj.io/refresh={kind}")
        self.kubectl("annotate", "applicationsets", *place, "argocd.argoproj.io/application-set-refresh=true")

    def settled(self, name: str, commit: str, health: str = "Healthy") -> bool:
        """Tell whether an Application is in sync with a commit, as healthy as that, and done with its last sync."""
        status = self.app(name)
        sync = status.get("sync") or {}
        return (
            (sync.get("status"), sync.get("revision")) == ("Synced", commit)
            and (status.get("health") or {}).get("status") == health
            and (status.get("operationState") or {}).get("phase") == "Succeeded"
        )

    def health(self, app: str, kind: str) -> tuple[str, str]:
        """Return health and message of an application's object of a kind."""
        for one in self.app(app).get("resources") or ():
            if one["kind"] == kind:
                found = one.get("health") or {}
                return found.get("status", ""), found.get("message", "")
        return "", ""

    def count(self, metric: str) -> float:
        """Return the sum of a metric of the application controller."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.ports['metrics']}/metrics", timeout=10
        ) as answer:
            text = answer.read().decode()
        return sum(float(value) for value in re.findall(rf"^{metric}{{[^\n]*}} (\S+)$", text, re.MULTILINE))

    def describe(self) -> str:
        """Return what explains why an application is not as wanted."""
        said = []
        for name, status in self.apps().items():
            kept = {key: status.get(key) for key in ("sync", "health", "conditions", "resources")}
            kept["operation"] = {
                k: v for k, v in (status.get("operationState") or {}).items() if k != "operation"
            }
            said.append(f"{name}: {json.dumps(kept)[:3000]}")
        return "\n".join([*said, *self.logs(1500)])

    def _objects(self) -> None:
        """Make what Argo CD's own server would make, and what its manifests bring."""
        crds = build.source("argo-cd") / "manifests" / "crds"
        for name in ("application", "appproject", "applicationset"):
            self.kubectl.apply((crds / f"{name}-crd.yaml").read_text())
        meta = {"namespace": NAMESPACE, "labels": {"app.kubernetes.io/part-of": "argocd"}}
        anywhere = {"namespace": "*", "server": "*"}
        objects: list[Object] = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "argocd-secret", **meta},
                "stringData": {"server.secretkey": "not a secret in a test"},
            },
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "AppProject",
                "metadata": {"name": "default", "namespace": NAMESPACE},
                "spec": {
                    "sourceRepos": ["*"],
                    "destinations": [anywhere],
                    "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
                },
            },
        ]
        self.kubectl.apply("\n---\n".join(map(json.dumps, objects)))
        self.kubectl.apply((CLONE / "examples/gitops/argocd/argocd-cm.yaml").read_text())

    def _run(self) -> None:
        tools = self.folder / "bin"
        tools.mkdir()
        for name in ("helm", "kubectl"):
            (tools / name).symlink_to(build.program(name))
        environment = {
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_GPG_ENABLED": "false",
        }
        port = {name: str(number) for name, number in self.ports.items()}
        redis = f"127.0.0.1:{port['redis']}"
        repo = f"127.0.0.1:{port['repo']}"
        self.run(
            "redis", environment, "redis-server", "--port", port["redis"], "--bind", "127.0.0.1", "--save", ""
        )
        self._part(
            "argocd-repo-server",
            environment,
            *("--redis", redis, "--address", "127.0.0.1", "--port", port["repo"], "--disable-tls"),
            *("--metrics-address", "127.0.0.1", "--metrics-port", port["repo-metrics"]),
            *("--revision-cache-expiration", "1s"),
        )
        self._part(
            "argocd-application-controller",
            environment,
            *("--namespace", NAMESPACE, "--redis", redis, "--repo-server", repo, "--repo-server-plaintext"),
            *("--metrics-port", port["metrics"], "--persist-resource-health"),
            *("--app-resync", str(RESYNC), "--app-resync-jitter", "0"),
        )
        self._part(
            "argocd-applicationset-controller",
            environment,
            *("--namespace", NAMESPACE, "--argocd-repo-server", repo, "--repo-server-plaintext"),
            *(
                "--metrics-addr",
                f"127.0.0.1:{port['sets']}",
                "--probe-addr",
                f"127.0.0.1:{port['sets-probe']}",
            ),
            *("--webhook-addr", f"127.0.0.1:{port['sets-hook']}"),
        )

    def _part(self, name: str, environment: Mapping[str, str], *flags: str) -> None:
        self.run(name, {**environment, "ARGOCD_BINARY_NAME": name}, str(build.program("argocd")), *flags)
