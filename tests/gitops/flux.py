"""A real Flux beside the cluster: source-controller and helm-controller as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kserve_lite.local import ports
from tools import build
from tools.cluster.kubectl import Kubectl, ready
from tools.errors import ToolError

NAMESPACE = "flux-system"
PROGRAMS = ("flux-source-controller", "flux-helm-controller")
KINDS = ("gitrepositories", "helmcharts", "helmreleases")
Object = dict[str, Any]


@dataclass
class Flux:
    """The two controllers that `flux install` brings and a HelmRelease needs; `folder` has their files and logs."""

    folder: Path
    kubectl: Kubectl
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Flux:
        for family in ("flux-source", "flux-helm"):
            self.kubectl.apply(build.crds(family))
        self.kubectl.apply(
            json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        )
        (self.folder / "artifacts").mkdir(parents=True)
        artifacts, *others = ports.free(5)
        address = f"127.0.0.1:{artifacts}"
        metrics = [f"--metrics-addr=127.0.0.1:{port}" for port in others[:2]]
        health = [f"--health-addr=127.0.0.1:{port}" for port in others[2:]]
        storage = (f"--storage-path={self.folder / 'artifacts'}", f"--storage-addr={address}")
        source, helm = PROGRAMS
        self._run(source, metrics[0], health[0], *storage, f"--storage-adv-addr={address}")
        self._run(helm, metrics[1], health[1])
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)

    def release(self, name: str) -> Object:
        """Return a HelmRelease; empty when there is none."""
        try:
            found: Object = self.kubectl.get("helmrelease", name, f"--namespace={NAMESPACE}")
        except ToolError:
            return {}
        return found

    def settled(self, name: str, chart: str = "") -> bool:
        """Tell whether a release is Ready as it stands in the cluster, with a chart whose version starts so."""
        found = self.release(name)
        status = found.get("status") or {}
        if status.get("observedGeneration") != found["metadata"]["generation"] or not ready(found):
            return False
        return str(status["history"][0]["chartVersion"]).startswith(chart)

    def reconcile(self) -> None:
        """Have the repository looked at now, not at its next interval."""
        now = f"reconcile.fluxcd.io/requestedAt={time.time_ns()}"
        self.kubectl("annotate", "gitrepositories", "--all", f"--namespace={NAMESPACE}", "--overwrite", now)

    def dead(self) -> list[object]:
        """Return the commands of processes that ended by themselves."""
        return [process.args for process in self._processes if process.poll() is not None]

    def describe(self) -> str:
        """Return what explains why a release is not as wanted."""
        said = []
        for kind in KINDS:
            for one in self.kubectl.get(kind, f"--namespace={NAMESPACE}")["items"]:
                said.append(f"{kind}/{one['metadata']['name']}: {json.dumps(one.get('status'))[:2000]}")
        for log in sorted(self.folder.glob("*.log")):
            said.append(f"{log.name}:\n" + log.read_text(errors="replace")[-3000:])
        return "\n".join(said)

    def _run(self, name: str, *flags: str) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "KUBECONFIG": str(self.kubectl.kubeconfig),
            "RUNTIME_NAMESPACE": NAMESPACE,
        }
        command = [str(build.program(name)), "--watch-all-namespaces", "--events-addr=", *flags]
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    command, env=environment, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
                )
            )
