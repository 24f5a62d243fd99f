"""A real Flux beside the cluster: source-controller and helm-controller as processes."""

from __future__ import annotations

import json
import time
from typing import Any

from kserve_lite.local import ports
from tests.gitops.parts import Parts
from tools import build
from tools.cluster.kubectl import ready
from tools.errors import ToolError

NAMESPACE = "flux-system"
PROGRAMS = ("flux-source-controller", "flux-helm-controller")
KINDS = ("gitrepositories", "helmcharts", "helmreleases")
Object = dict[str, Any]


class Flux(Parts):
    """The two controllers that `flux install` brings and a HelmRelease needs; `folder` has their files and logs."""

    def start(self) -> None:
        """Make the kinds and the namespace of Flux, and run both controllers."""
        for family in ("flux-source", "flux-helm"):
            self.kubectl.apply(build.crds(family))
        self.kubectl.apply(
            json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        )
        (self.folder / "artifacts").mkdir()
        artifacts, *others = ports.free(5)
        address = f"127.0.0.1:{artifacts}"
        metrics = [f"--metrics-addr=127.0.0.1:{port}" for port in others[:2]]
        health = [f"--health-addr=127.0.0.1:{port}" for port in others[2:]]
        storage = (f"--storage-path={self.folder / 'artifacts'}", f"--storage-addr={address}")
        source, helm = PROGRAMS
        self._controller(source, metrics[0], health[0], *storage, f"--storage-adv-addr={address}")
        self._controller(helm, metrics[1], health[1])

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

    def describe(self) -> str:
        """Return what explains why a release is not as wanted."""
        said = []
        for kind in KINDS:
            for one in self.kubectl.get(kind, f"--namespace={NAMESPACE}")["items"]:
                said.append(f"{kind}/{one['metadata']['name']}: {json.dumps(one.get('status'))[:2000]}")
        return "\n".join([*said, *self.logs(3000)])

    def _controller(self, name: str, *flags: str) -> None:
        common = ("--watch-all-namespaces", "--events-addr=")
        self.run(name, {"RUNTIME_NAMESPACE": NAMESPACE}, str(build.program(name)), *common, *flags)
