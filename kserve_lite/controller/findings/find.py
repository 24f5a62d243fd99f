"""The one cause that explains why a pod is not ready: the checks in the order in which a pod starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kserve_lite.controller.findings import crash, schedule, start, storage
from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.findings.pod import Container, Evidence, Pod

Check = Callable[[Container, Evidence], Finding | None]


def _alone(check: Callable[[Container], Finding | None]) -> Check:
    return lambda container, _: check(container)


OF_PODS: tuple[Callable[[Pod], Finding | None], ...] = (
    schedule.evicted,
    schedule.unschedulable,
    schedule.unmounted,
)
OF_CONTAINERS: tuple[Check, ...] = (
    _alone(start.image),
    _alone(start.config),
    _alone(start.command),
    _alone(crash.out_of_memory),
    _alone(storage.failed),
    crash.crashed,
    crash.not_answering,
)


def find(pod: Pod) -> Finding:
    """Return what stands in the way of a pod that is not ready, or how far it is on its way."""
    for check_pod in OF_PODS:
        if found := check_pod(pod):
            return found
    for container in pod.containers:
        for check in OF_CONTAINERS:
            if found := check(container, pod.evidence):
                return found
    return _on_its_way(pod)


def worst(pods: Iterable[Pod]) -> Finding | None:
    """Return the cause that most of all needs somebody: of the pods that are not ready, the first that failed."""
    findings = [find(pod) for pod in pods if not pod.ready]
    return next((finding for finding in findings if finding.failed), findings[0] if findings else None)


def _on_its_way(pod: Pod) -> Finding:
    for container in pod.containers:
        if container.init:
            if found := storage.progress(container, pod.evidence):
                return found
            if not container.ready:
                return Finding("Starting", "", "the pods start")
        elif container.running is not None and not container.ready:
            return Finding("Loading", container.place, "the server loads the model")
    return Finding("Starting", "", "the pods start")
