"""Conditions, and a status written only when it differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kserve_lite.controller.runtime.informer import Informer, key_of
from kserve_lite.controller.runtime.kube import Kube, Object


def merge_conditions(
    before: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]], now: datetime | None = None
) -> list[dict[str, Any]]:
    """The wanted conditions, each with the time at which its status last changed, in the wanted order."""
    stamp = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    old = {condition["type"]: condition for condition in before}
    merged = []
    for condition in wanted:
        last = old.get(condition["type"])
        unchanged = last is not None and last["status"] == condition["status"]
        since = last.get("lastTransitionTime", stamp) if unchanged and last is not None else stamp
        merged.append({**condition, "lastTransitionTime": since})
    return merged


async def write_status(kube: Kube, informer: Informer, obj: Object, status: Object) -> bool:
    """Make `/status` of `obj` exactly `status`; say whether a write was needed."""
    patch = difference(obj.get("status") or {}, status)
    if not patch:
        return False
    informer.remember(await kube.merge(informer.kind, key_of(obj), {"status": patch}, "status"))
    return True


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch (RFC 7396) from `before` to `after`."""
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            if inner := difference(old, value):
                patch[key] = inner
        elif key not in before or old != value:
            patch[key] = value
    return patch
