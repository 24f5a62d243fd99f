"""Which events a change of status is worth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from kserve_lite.controller.inferenceservice.look import Look
from kserve_lite.controller.inferenceservice.notes import IGNORED, REVISION

Object = dict[str, Any]


class Said(NamedTuple):
    """One event about the service."""

    kind: Literal["Normal", "Warning"]
    reason: str
    note: str


def events(before: Object, after: Object, look: Look) -> Iterator[Said]:
    """Yield what is new in a status: it became ready, it was stopped, something failed."""
    was, now = _condition(before, "Ready"), _condition(after, "Ready")
    if now.get("status") == "True" and was.get("status") != "True":
        yield Said("Normal", "InferenceServiceReady", f"answers at {after.get('url')}")
    if look.stopped and not _condition(before, "Stopped"):
        yield Said("Normal", "InferenceServiceStopped", str(now.get("message")))
    ignored = look.notes.get(IGNORED)
    if ignored and ignored != (before.get("annotations") or {}).get(IGNORED):
        yield Said("Warning", "IgnoredSetting", ignored)
    old, new = _failure(before), _failure(after)
    if new and (new["reason"], new["message"]) != (old.get("reason"), old.get("message")):
        yield Said("Warning", new["reason"], new["message"])
    for name in ("servingRuntimeName", "clusterServingRuntimeName"):
        if name in after and _runtime(before) not in (None, after[name]):
            yield Said("Normal", "RuntimeChanged", f"served by {after[name]}, before by {_runtime(before)}")
            return
    was_made, made = ((one.get("annotations") or {}).get(REVISION) for one in (before, after))
    if was_made and made and was_made != made:
        yield Said("Normal", "RuntimeChanged", f"its pods are made of {made}, before of {was_made}")


def _condition(status: Object, kind: str) -> Object:
    return next((c for c in status.get("conditions") or () if c["type"] == kind), {})


def _failure(status: Object) -> Object:
    return (status.get("modelStatus") or {}).get("lastFailureInfo") or {}


def _runtime(status: Object) -> str | None:
    return status.get("servingRuntimeName") or status.get("clusterServingRuntimeName")
