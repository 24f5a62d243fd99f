"""Make the children of an owner what they should be: write what differs, delete what is no longer wanted.

Nothing is sent when nothing differs, and nothing is read: the informers hold every object that carries our label.
An object of a child's name that is *not* ours is refused without a read either: the first apply goes without
`force`, so the server answers with a conflict when somebody else owns those fields.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from kserve_lite.controller.runtime.informer import Informer, key_of
from kserve_lite.controller.runtime.kube import ApiError, Key, Kind, Kube, Object
from kserve_lite.controller.runtime.quantity import same_quantity

MANAGER = "kserve-lite"
MANAGED_BY = ("app.kubernetes.io/managed-by", MANAGER)
AMOUNT_MAPS = frozenset({"limits", "requests", "capacity", "hard"})
AMOUNTS = frozenset({"sizeLimit", "averageValue", "divisor"})
APPLIED = "kserve-lite.io/applied"  # digest of what we applied: tells when a field is no longer wanted


class Foreign(Exception):
    """An object of a child's name exists and belongs to somebody else."""

    def __init__(self, kind: str, name: str, holder: str) -> None:
        super().__init__(
            f"{kind} {name} exists and belongs to {holder}; delete or rename it, or rename this object"
        )
        self.kind = kind
        self.name = name


@dataclass
class Applied:
    """What one pass did. `live` holds each child as the server has it now."""

    live: list[Object] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Applier:
    """Writes children through one client, against one informer a kind."""

    kube: Kube
    informers: Mapping[str, Informer]  # by kind name
    _strangers: set[tuple[str, Key]] = field(default_factory=set)

    async def apply(self, owner: Object, children: Iterable[Object]) -> Applied:
        """Bring the children of `owner` to what is wanted; delete its other children.

        Raises `Foreign` (after all other children were tended to) and `ApiError`.
        """
        done = Applied()
        refused: Foreign | None = None
        wanted = set()
        for child in children:
            informer = self.informers[child["kind"]]
            wanted.add((child["kind"], child["metadata"]["name"]))
            try:
                await self._one(informer, owner, child, done)
            except Foreign as foreign:
                refused = refused or foreign
        await self._prune(owner, wanted, done)
        if refused:
            raise refused
        return done

    def children(self, owner: Object) -> list[Object]:
        """All objects that name `owner` as their controller."""
        uid = owner["metadata"]["uid"]
        return [obj for informer in self.informers.values() for obj in informer.find("owner", uid)]

    async def _one(self, informer: Informer, owner: Object, child: Object, done: Applied) -> None:
        desired = stamped(child, owner)
        live = informer.get(key_of(desired)) or await self._stranger(informer.kind, desired)
        if live is not None:
            if not _ours(live, owner):
                raise Foreign(desired["kind"], desired["metadata"]["name"], _holder(live))
            if live["metadata"].get("deletionTimestamp") is None and covers(desired, live):
                done.live.append(live)
                return
        written = await self._write(informer.kind, desired, known=live is not None)
        informer.remember(written)
        done.live.append(written)
        done.written.append(f"{desired['kind']}/{desired['metadata']['name']}")

    async def _stranger(self, kind: Kind, desired: Object) -> Object | None:
        """The object that was in the way last time, if it still is: the only read, and only in that state."""
        name = (kind.kind, key_of(desired))
        if name not in self._strangers:
            return None
        try:
            return await self.kube.get(kind, key_of(desired))
        except ApiError as error:
            if error.code != 404:
                raise
            self._strangers.discard(name)
            return None

    async def _write(self, kind: Kind, desired: Object, *, known: bool) -> Object:
        key = key_of(desired)
        try:
            written = await self.kube.apply(kind, desired, MANAGER, force=known)
        except ApiError as error:
            if known or error.code not in (409, 422):
                raise
            if error.code == 422 and "controller set to true" not in error.message.lower():
                raise
            self._strangers.add((kind.kind, key))
            raise Foreign(kind.kind, key.name, f"somebody else ({error.message[:160]})") from error
        if known or written.created or not (others := _others(written.object)):
            return written.object
        # It existed with just these values, so nothing conflicted: give back what we took.
        self._strangers.add((kind.kind, key))
        bare = {name: desired[name] for name in ("apiVersion", "kind")}
        bare["metadata"] = {"namespace": key.namespace, "name": key.name}
        await self.kube.apply(kind, bare, MANAGER, force=True)
        raise Foreign(kind.kind, key.name, f"somebody else ({', '.join(others)})")

    async def _prune(self, owner: Object, wanted: set[tuple[str, str]], done: Applied) -> None:
        for child in self.children(owner):
            name = child["metadata"]["name"]
            if (child["kind"], name) in wanted or child["metadata"].get("deletionTimestamp"):
                continue
            kind = self.informers[child["kind"]].kind
            await self.kube.delete(kind, key_of(child), child["metadata"]["uid"])
            done.deleted.append(f"{child['kind']}/{name}")


def stamped(child: Object, owner: Object) -> Object:
    """The child with its owner, our label and the digest of what is wanted."""
    meta = child["metadata"]
    labels = {**meta.get("labels", {}), MANAGED_BY[0]: MANAGED_BY[1]}
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    whole = {**child, "metadata": {**meta, "labels": labels, "ownerReferences": [reference]}}
    digest = hashlib.sha256(msgspec.json.encode(whole, order="deterministic")).hexdigest()[:16]
    annotations = {**meta.get("annotations", {}), APPLIED: digest}
    return {**whole, "metadata": {**whole["metadata"], "annotations": annotations}}


def covers(desired: Any, live: Any, name: str = "") -> bool:
    """Whether `live` holds everything in `desired`; it may hold more (server defaults, other managers' fields).

    `name` is the key under which the value stands: the server rewrites amounts, and only amounts.
    """
    if isinstance(desired, dict):
        return isinstance(live, dict) and all(
            key in live and covers(wish, live[key], name if name in AMOUNT_MAPS else key)
            for key, wish in desired.items()
        )
    if isinstance(desired, list):
        return (
            isinstance(live, list)
            and len(desired) == len(live)
            and all(covers(wish, fact) for wish, fact in zip(desired, live, strict=True))
        )
    if name in AMOUNT_MAPS or name in AMOUNTS:
        return same_quantity(desired, live)
    return bool(desired == live)


def controller_uid(obj: Object) -> str | None:
    """The uid of the object's controlling owner."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return str(reference["uid"])
    return None


def owner_index(obj: Object) -> list[str]:
    """Index function for informers of children."""
    uid = controller_uid(obj)
    return [uid] if uid else []


def _ours(live: Object, owner: Object) -> bool:
    """Its controller is the owner; or it has none and we made it (its owner was deleted without its children)."""
    uid = controller_uid(live)
    orphan = uid is None and APPLIED in (live["metadata"].get("annotations") or {})
    return uid == owner["metadata"]["uid"] or orphan


def _holder(live: Object) -> str:
    for reference in live["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return f"{reference['kind']} {reference['name']}"
    return "nobody (it has no controlling owner)"


def _others(obj: Object) -> list[str]:
    """Managers other than us that own something outside status."""
    return sorted(
        entry["manager"]
        for entry in obj["metadata"].get("managedFields") or ()
        if entry.get("subresource") != "status" and entry["manager"] != MANAGER
    )
