"""A pod as the findings see it: names and states, without the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]

_META = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "labels",
         "ownerReferences")  # fmt: skip
_STATUS = ("phase", "reason", "message", "conditions", "initContainerStatuses", "containerStatuses", "podIP")
HASH = "pod-template-hash"


@dataclass(frozen=True)
class Evidence:
    """What had to be asked for: the end of containers' logs, and what the kubelet said about the pod."""

    logs: Mapping[str, str] = field(default_factory=dict)
    events: tuple[str, ...] = ()


@dataclass(frozen=True)
class Container:
    """One container of a pod: its status as the kubelet writes it."""

    pod: str
    init: bool
    status: Object

    @property
    def name(self) -> str:
        """Name of the container."""
        return str(self.status["name"])

    @property
    def place(self) -> str:
        """Where it is, in a sentence."""
        return f"pod {self.pod}, container {self.name}"

    @property
    def ready(self) -> bool:
        """Whether its probe passes; for an init container: whether it is done."""
        return bool(self.status.get("ready"))

    @property
    def waiting(self) -> Object | None:
        """Why it does not run."""
        waiting: Object | None = (self.status.get("state") or {}).get("waiting")
        return waiting

    @property
    def running(self) -> Object | None:
        """Since when it runs."""
        running: Object | None = (self.status.get("state") or {}).get("running")
        return running

    @property
    def ended(self) -> Object | None:
        """How it ended, now or the last time; a regular end of an init container is no end in this sense."""
        for state in (self.status.get("state") or {}, self.status.get("lastState") or {}):
            ended: Object | None = state.get("terminated")
            if ended is not None and (ended.get("exitCode") or not self.init):
                return ended
        return None


@dataclass(frozen=True)
class Pod:
    """One pod, with what had to be asked for about it."""

    body: Object
    evidence: Evidence = Evidence()

    @property
    def name(self) -> str:
        """Name of the pod."""
        return str(self.body["metadata"]["name"])

    @property
    def place(self) -> str:
        """Where it is, in a sentence."""
        return f"pod {self.name}"

    @property
    def status(self) -> Object:
        """Status of the pod."""
        status: Object = self.body.get("status") or {}
        return status

    @property
    def version(self) -> str:
        """Which template it was made from."""
        return str((self.body["metadata"].get("labels") or {}).get(HASH, ""))

    @property
    def created(self) -> str:
        """When it was made."""
        return str(self.body["metadata"].get("creationTimestamp") or "")

    @property
    def leaving(self) -> bool:
        """Whether it is being deleted, or has ended for good."""
        return self.body["metadata"].get("deletionTimestamp") is not None

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        return not self.leaving and (self.condition("Ready") or {}).get("status") == "True"

    def condition(self, kind: str) -> Object | None:
        """Return a condition of the pod."""
        return next((c for c in self.status.get("conditions") or () if c["type"] == kind), None)

    @property
    def containers(self) -> list[Container]:
        """The containers in the order in which they start."""
        return [
            Container(self.name, init, status)
            for init, field_name in ((True, "initContainerStatuses"), (False, "containerStatuses"))
            for status in self.status.get(field_name) or ()
        ]


def trim(obj: Object) -> Object:
    """Keep of a pod what is looked at: a tenth of its bytes."""
    meta, status = obj["metadata"], obj.get("status") or {}
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "metadata": {name: meta[name] for name in _META if name in meta},
        "spec": {"nodeName": (obj.get("spec") or {}).get("nodeName")},
        "status": {name: status[name] for name in _STATUS if name in status},
    }
