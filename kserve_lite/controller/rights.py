"""What the controller may do, as data, and it is what it does: the chart's roles and a test are compared with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal["namespaces", "cluster", "home"]


@dataclass(frozen=True)
class Right:
    """Verbs on one resource. `where`: in the namespaces that it serves, cluster-wide kinds, or its own namespace."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    where: Where = "namespaces"

    @property
    def name(self) -> str:
        """`deployments.apps`, `pods/log`: as the metrics name it."""
        base, _, sub = self.resource.partition("/")
        return base + (f".{self.group}" if self.group else "") + (f"/{sub}" if sub else "")


_SERVING = "serving.kserve.io"
_READ = ("list", "watch")
# Server-side apply of an object that is not there yet needs create beside patch; get is for a stranger in the way.
_CHILD = ("get", "list", "watch", "create", "patch", "delete")

RIGHTS: tuple[Right, ...] = (
    Right(_SERVING, "inferenceservices", _READ),
    Right(_SERVING, "inferenceservices/status", ("patch",)),
    Right(_SERVING, "inferencegraphs", _READ),
    Right(_SERVING, "inferencegraphs/status", ("patch",)),
    Right(_SERVING, "trainedmodels", _READ),
    Right(_SERVING, "trainedmodels/status", ("patch",)),
    Right(_SERVING, "servingruntimes", _READ),
    Right(_SERVING, "clusterservingruntimes", _READ, "cluster"),
    Right(_SERVING, "clusterstoragecontainers", _READ, "cluster"),
    Right("", "serviceaccounts", _READ),
    Right("", "configmaps", _CHILD),
    Right("", "services", _CHILD),
    Right("apps", "deployments", _CHILD),
    Right("policy", "poddisruptionbudgets", _CHILD),
    Right("autoscaling", "horizontalpodautoscalers", _CHILD),
    Right("keda.sh", "scaledobjects", _CHILD),
    Right("networking.k8s.io", "ingresses", _CHILD),
    Right("gateway.networking.k8s.io", "httproutes", _CHILD),
    Right("networking.istio.io", "virtualservices", _CHILD),
    Right("", "pods", _READ),
    Right("", "pods/log", ("get",)),
    Right("", "events", ("list",)),
    Right("events.k8s.io", "events", ("create", "patch")),
    Right("coordination.k8s.io", "leases", ("get", "create", "update"), "home"),
)
