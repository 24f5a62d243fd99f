"""What an API server would silently rewrite or drop: Git and cluster would differ for ever."""

from collections.abc import Iterator
from typing import Any

from generator.checker.finding import Finding

CLIENT_SIDE_APPLY_LIMIT = 262_144
"""Bytes that all annotations of an object may have; client-side apply stores the whole object in one."""

_WRITTEN_BY_THE_SERVER = ("status", "metadata.creationTimestamp", "spec.preserveUnknownFields")
_DEFAULTED_BY_THE_SERVER = ("spec.names.singular", "spec.names.listKind", "spec.conversion.strategy")
_SIZES = {f"{bound}{what}" for bound in ("min", "max") for what in ("imum", "Length", "Items", "Properties")}
_ZERO_MEANT = {"default", "enum", "served", "storage", "status"} | _SIZES
"""Keywords whose zero value says something."""


def check_drift(crd: dict[str, Any]) -> Iterator[Finding]:
    """Judge what keeps `kubectl diff` and GitOps from ever being quiet."""
    for path in _WRITTEN_BY_THE_SERVER:
        if _lookup(crd, path) is not _ABSENT:
            yield Finding("drift-server-owned", path, "is written by the API server: leave it out")
    for path in _DEFAULTED_BY_THE_SERVER:
        if _lookup(crd, path) is _ABSENT:
            yield Finding("drift-defaulted", path, "is defaulted by the API server: say it")
    yield from _zero_values(crd, "")


def _zero_values(value: Any, path: str, *, fields: bool = False) -> Iterator[Finding]:
    """`fields`: the keys of `value` are a user's field names, not keywords."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _zero_values(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            here = f"{path}.{key}".removeprefix(".")
            if not fields and key in _ZERO_MEANT:
                continue
            if item in ("", 0, [], {}):
                yield Finding("drift-zero", here, f"{item!r} is dropped by the API server: leave it out")
            yield from _zero_values(item, here, fields=key == "properties" and not fields)


_ABSENT: Any = object()


def _lookup(value: Any, path: str) -> Any:
    for step in path.split("."):
        if not isinstance(value, dict) or step not in value:
            return _ABSENT
        value = value[step]
    return value
