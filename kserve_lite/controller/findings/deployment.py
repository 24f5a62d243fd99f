"""How far a Deployment is: which of its pods are new, which answer, and what stands in the way of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kserve_lite.controller.findings.find import worst
from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.findings.pod import Pod

Object = dict[str, Any]


STARTING = Finding("Starting", "", "the pods start")
SETTLING = Finding("Starting", "", "the pods answer; their addresses spread through the cluster")


@dataclass(frozen=True)
class Rollout:
    """One Deployment and its pods. `answering` counts pods of any version, `renewed` those of the newest."""

    answering: int = 0
    renewed: int = 0
    failed: int = 0
    complete: bool = False
    finding: Finding | None = None

    @property
    def ready(self) -> bool:
        """Whether the newest version answers, and no other does."""
        return self.complete and self.renewed > 0

    @property
    def obstacle(self) -> Finding | None:
        """What it waits for; None when it is ready."""
        return None if self.ready else self.finding or STARTING


def rollout(deployment: Object | None, pods: Sequence[Pod]) -> Rollout:
    """Judge a Deployment by the pods of its newest version; None is one that is not there yet."""
    there = [pod for pod in pods if not pod.leaving]
    answering = sum(pod.ready for pod in there)
    if deployment is None:
        return Rollout(answering=answering, finding=Finding("Resolving", "", "its pods are not made yet"))
    status = deployment.get("status") or {}
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return Rollout(answering=answering, finding=_on_the_way(answering))
    newest = _newest(there) if status.get("updatedReplicas") else []
    renewed = sum(pod.ready for pod in newest)
    complete = status.get("updatedReplicas", 0) == status.get("replicas", 0)
    finding = worst(newest)
    failed = sum(1 for pod in newest if (one := worst([pod])) is not None and one.failed)
    if complete and renewed:
        available = status.get("availableReplicas", 0) > 0
        found = finding if finding or available else SETTLING
        return Rollout(answering, renewed, failed, complete=available, finding=found)
    return Rollout(
        answering,
        renewed,
        failed,
        finding=_cause(deployment, finding, answering, wanting=status.get("unavailableReplicas", 0) > 0),
    )


def _newest(pods: Sequence[Pod]) -> list[Pod]:
    """The pods of the template that was used last."""
    if not pods:
        return []
    version = max(pods, key=lambda pod: (pod.created, pod.name)).version
    return [pod for pod in pods if pod.version == version]


def _cause(deployment: Object, finding: Finding | None, answering: int, *, wanting: bool) -> Finding:
    if finding is not None and finding.failed:
        return finding
    if refused := _pods_refused(deployment):
        return refused
    if finding is None and wanting and (late := _late(deployment)):
        return late
    if answering:
        return _on_the_way(answering)
    return finding or STARTING


def _on_the_way(answering: int) -> Finding:
    if answering:
        return Finding("RollingOut", "", "the new version comes up; the previous one still answers")
    return STARTING


def _pods_refused(deployment: Object) -> Finding | None:
    """The ReplicaSet could not make pods: a quota, an admission policy, a missing service account."""
    said = _condition(deployment, "ReplicaFailure")
    if said is None or said["status"] != "True":
        return None
    message = str(said.get("message") or said.get("reason"))
    place = f"Deployment {deployment['metadata']['name']}"
    if "exceeded quota" in message:
        return Finding("QuotaExceeded", place, message, time=said.get("lastTransitionTime"))
    remedy = ""
    if "serviceaccount" in message.lower() and "not found" in message:
        remedy = "create the service account, or correct serviceAccountName"
    elif "violates PodSecurity" in message:
        remedy = "set what the message names under securityContext, or relax the namespace's level"
    return Finding("PodRefused", place, message, remedy, time=said.get("lastTransitionTime"))


def _late(deployment: Object) -> Finding | None:
    said = _condition(deployment, "Progressing")
    if said is None or said["status"] != "False":
        return None
    place = f"Deployment {deployment['metadata']['name']}"
    return Finding("DeadlineExceeded", place, str(said.get("message")), time=said.get("lastTransitionTime"))


def _condition(deployment: Object, kind: str) -> Object | None:
    conditions = (deployment.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c["type"] == kind), None)
