"""Why a pod has no node, or lost it."""

from __future__ import annotations

import re

from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.findings.pod import Pod

_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" (not found|is being deleted)')
_LACK = re.compile(r"Insufficient ([a-z0-9./-]*[a-z0-9])")
_REMEDIES = (
    ("unbound immediate PersistentVolumeClaims", "see why the claim is not bound: kubectl describe pvc"),
    ("volume node affinity conflict", "the claim's volume lies on another node or in another zone"),
    ("untolerated taint", "add tolerations, or remove the taint"),
    ("node affinity/selector", "correct nodeSelector or affinity, or label a node"),
)


def evicted(pod: Pod) -> Finding | None:
    """The node threw it out, or it ended for good."""
    if pod.status.get("phase") != "Failed":
        return None
    message = pod.status.get("message") or pod.status.get("reason") or "the pod failed"
    return Finding("Evicted", pod.place, str(message))


def unschedulable(pod: Pod) -> Finding | None:
    """No node takes it."""
    said = pod.condition("PodScheduled")
    if said is None or said["status"] != "False" or said.get("reason") != "Unschedulable":
        return None
    message = str(said.get("message", ""))
    if claim := _CLAIM.search(message):
        name, state = claim.groups()
        return Finding("VolumeClaimMissing", pod.place, f"volume claim {name}: {state}")
    lacking = ", ".join(dict.fromkeys(_LACK.findall(message)))
    remedy = next((remedy for text, remedy in _REMEDIES if text in message), "")
    if lacking:
        remedy = f"lower resources.requests ({lacking}), or add a node"
    return Finding("Unschedulable", pod.place, message or "no node takes it", remedy)


def unmounted(pod: Pod) -> Finding | None:
    """The kubelet says why a volume does not come."""
    for note in pod.evidence.events:
        if "MountVolume" in note or "Unable to attach or mount" in note:
            return Finding("VolumeMountFailed", pod.place, note)
    return None
