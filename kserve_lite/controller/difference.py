"""What applying children would change: which objects, which fields, and whether pods restart. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kserve_lite.controller.runtime.apply import APPLIED, covers, stamped
from kserve_lite.resolve.pin import PIN, PODS

Object = dict[str, Any]
TEMPLATE = "spec.template"
PINNED = frozenset(f"metadata.annotations[{name}]" for name in (PIN, PODS))
"""What pods are made of, written down for the next look: what it says is told field by field."""


@dataclass(frozen=True)
class Field:
    """One field that would change; None stands for nothing there."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Change:
    """One child and what would become of it."""

    action: Literal["create", "change", "delete", "keep"]
    kind: str
    name: str
    fields: tuple[Field, ...] = ()
    dropped: bool = False
    """Whether fields that were applied before are no longer wanted; which ones, only the API server knows."""

    @property
    def restarts(self) -> bool:
        """Whether pods are replaced."""
        return self.kind == "Deployment" and any(one.path.startswith(TEMPLATE) for one in self.fields)


def difference(desired: Sequence[Object], live: Sequence[Object], owner: Object | None) -> list[Change]:
    """Return what becomes of each child; `live` are those that the owner has, which is None when it is new."""
    existing = {(one["kind"], one["metadata"]["name"]): one for one in live}
    found = [_one(child, existing.pop(_key(child), None), owner) for child in desired]
    return [*found, *(Change("delete", kind, name) for kind, name in existing)]


def _one(child: Object, live: Object | None, owner: Object | None) -> Change:
    kind, name = _key(child)
    if live is None:
        return Change("create", kind, name)
    fields = tuple(_fields(child, live, ""))
    dropped = owner is not None and not fields and _digest(stamped(child, owner)) != _digest(live)
    told = tuple(one for one in fields if one.path not in PINNED)
    return Change("change" if fields or dropped else "keep", kind, name, told, dropped)


def _key(obj: Object) -> tuple[str, str]:
    return obj["kind"], obj["metadata"]["name"]


def _digest(obj: Object) -> str | None:
    digest: str | None = (obj["metadata"].get("annotations") or {}).get(APPLIED)
    return digest


def _fields(desired: Any, live: Any, path: str, name: str = "") -> Iterator[Field]:
    """Yield the deepest fields that differ; a list of another length is one field."""
    if covers(desired, live, name):
        return
    if isinstance(desired, dict) and isinstance(live, dict):
        for key, wish in desired.items():
            at = f"{path}[{key}]" if "." in key or "/" in key else f"{path}.{key}".lstrip(".")
            if key not in live:
                yield Field(at, None, wish)
            else:
                # Below a map of amounts the name of the map counts: the server rewrites amounts.
                yield from _fields(wish, live[key], at, name if name in ("limits", "requests") else key)
    elif isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        for i, (wish, fact) in enumerate(zip(desired, live, strict=True)):
            label = wish.get("name", i) if isinstance(wish, dict) else i
            yield from _fields(wish, fact, f"{path}[{label}]")
    else:
        yield Field(path, live, desired)
