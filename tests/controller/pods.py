"""Pods as a kubelet reports them, in the shapes that clusters are seen to send."""

from typing import Any

Object = dict[str, Any]

STARTED = "2026-01-01T00:00:00Z"


def pod(
    name: str = "iris-predictor-abc-1",
    *containers: Object,
    init: tuple[Object, ...] = (),
    ready: bool = False,
    scheduled: bool | str = True,
    version: str = "abc",
    created: str = STARTED,
    role: str = "predictor",
    **status: Any,
) -> Object:
    """Return a pod; `scheduled` is True, or what the scheduler said."""
    conditions = [{"type": "Ready", "status": str(ready)}]
    if scheduled is True:
        conditions.append({"type": "PodScheduled", "status": "True", "lastTransitionTime": STARTED})
    elif scheduled:
        conditions.append(
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": scheduled}
        )
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": f"uid-{name}",
            "creationTimestamp": created,
            "labels": {"pod-template-hash": version, "component": role},
        },
        "spec": {"nodeName": "node"},
        "status": {
            "phase": "Running" if ready else "Pending",
            "conditions": conditions,
            "initContainerStatuses": list(init),
            "containerStatuses": list(containers),
            **status,
        },
    }


def container(
    name: str = "kserve-container", *, ready: bool = False, last: Object | None = None, **state: Object
) -> Object:
    """Return a container's status: `waiting`, `running` or `terminated`, and how it ended before."""
    return {
        "name": name,
        "image": "registry/image:1",
        "ready": ready,
        "restartCount": 1 if last else 0,
        "state": state,
        "lastState": {"terminated": last} if last else {},
    }


def ended(code: int = 1, reason: str = "Error", message: str = "") -> Object:
    """Return the end of a container."""
    return {
        "exitCode": code,
        "reason": reason,
        "message": message,
        "startedAt": STARTED,
        "finishedAt": "2026-01-01T00:00:05Z",
    }


def deployment(
    name: str = "iris-predictor",
    *,
    replicas: int = 1,
    updated: int = 1,
    available: int = 1,
    generation: int = 1,
    observed: int = 1,
    conditions: tuple[Object, ...] = (),
    role: str = "predictor",
) -> Object:
    """Return a Deployment as far as its progress is concerned."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": "ns",
            "generation": generation,
            "labels": {"component": role},
        },
        "spec": {},
        "status": {
            "observedGeneration": observed,
            "replicas": replicas,
            "updatedReplicas": updated,
            "availableReplicas": available,
            "unavailableReplicas": replicas,
            "conditions": list(conditions),
        },
    }
