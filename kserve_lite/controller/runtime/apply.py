"""Make the children of an owner what they should be: write what differs, delete what is no longer wanted.

Nothing is sent when nothing differs, and nothing is read: the informers hold every object that carries our label.
An object of a child's name that is *not* ours is refused without a read either: the first apply goes without
`force`, so the server answers with a conflict when somebody else owns those fields.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from kserve_lite.controller.runtime.informer import Informer, key_of
from kserve_lite.controller.runtime.kube import ApiError, Key, Kind, Kube, Object
from kserve_lite.controller.runtime.quantity import same_quantity

MANAGER = "kserve-lite"
HANDED_OVER = "kserve-lite-replicas"  # owns a number of replicas until an autoscaler does
MANAGED_BY = ("app.kubernetes.io/managed-by", MANAGER)
AMOUNT_MAPS = frozenset({"limits", "requests", "capacity", "hard"})
AMOUNTS = frozenset({"sizeLimit", "averageValue", "divisor"})
FALSE_IS_ABSENCE = frozenset({"readOnly", "hostNetwork", "hostPID", "hostIPC", "stdin", "stdinOnce", "tty"})
APPLIED = "kserve-lite.io/applied"  # digest of what we applied: tells when a field is no longer wanted


@dataclass(frozen=True)
class Refusal:
    """A child that is not as wanted: somebody else's object has its name, or the API server said no.

    `status` is the HTTP code; 409 stands for a foreign object, whose holder `message` names, and `absent` for a kind
    that the cluster does not have.
    """

    kind: str
    name: str
    status: int
    reason: str
    message: str

    @property
    def foreign(self) -> bool:
        """Whether somebody else's object is in the way."""
        return self.status == 409


@dataclass
class Applied:
    """What one pass did. `live` holds each child as the server has it now."""

    live: list[Object] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


# Answers that the same request gets again until a person changes something.
_FINAL = frozenset({400, 403, 404, 405, 413, 422})


@dataclass(frozen=True)
class Applier:
    """Writes children through one client, against one informer a kind."""

    kube: Kube
    informers: Mapping[str, Informer]  # by kind name
    _strangers: set[tuple[str, Key]] = field(default_factory=set)

    async def apply(self, owner: Object, children: Iterable[Object]) -> Applied:
        """Bring the children of `owner` to what is wanted; delete its other children.

        One child that is refused does not keep the others waiting. Raises `ApiError` and connection errors where
        trying again makes sense, and the former where the whole namespace is `ending`.
        """
        done = Applied()
        wanted = set()
        for child in children:
            informer = self.informers[child["kind"]]
            name = child["metadata"]["name"]
            wanted.add((child["kind"], name))
            if informer.absent is not None:
                informer.want()
                done.refused.append(_refusal(child, informer.absent))
                continue
            try:
                await self._one(informer, owner, child, done)
            except _Foreign as foreign:
                done.refused.append(Refusal(child["kind"], name, 409, "Foreign", foreign.holder))
            except ApiError as error:
                if error.code not in _FINAL or error.ending:
                    raise
                done.refused.append(_refusal(child, error))
        await self._prune(owner, wanted, done)
        return done

    def children(self, owner: Object) -> list[Object]:
        """All objects that name `owner` as their controller."""
        uid = owner["metadata"]["uid"]
        return [obj for informer in self.informers.values() for obj in informer.find("owner", uid)]

    async def _one(self, informer: Informer, owner: Object, child: Object, done: Applied) -> None:
        desired = stamped(child, owner)
        live = informer.get(key_of(desired)) or await self._stranger(informer.kind, desired)
        if live is None:
            try:
                written = await self._create(informer.kind, desired)
            except _Foreign:
                # In the way, and yet of this owner: another controller made it.
                live = await self._stranger(informer.kind, desired)
                if live is None or not _ours(live, owner):
                    raise
        if live is not None:
            if not _ours(live, owner):
                raise _Foreign(_holder(live))
            if live["metadata"].get("deletionTimestamp") is not None:
                return  # the news of its end asks for another look
            if covers(desired, live):
                done.live.append(live)
                return
            written = await self._change(informer.kind, desired, live)
        informer.remember(written)
        done.live.append(written)
        done.written.append(f"{desired['kind']}/{desired['metadata']['name']}")

    async def _change(self, kind: Kind, desired: Object, live: Object) -> Object:
        """Make an object of ours what is wanted, whoever else has written into it."""
        if APPLIED not in (live["metadata"].get("annotations") or {}):
            await self._clear(kind, desired)
        await self._hand_over(kind, desired, live)
        return (await self.kube.apply(kind, desired, MANAGER, force=True)).object

    async def _clear(self, kind: Kind, desired: Object) -> None:
        """Drop what another controller of the same owner gave its pods: an apply would leave it beside ours."""
        if template := desired.get("spec", {}).get("template"):
            patch = {"spec": {"template": {"$patch": "replace", **template}}}
            await self.kube.merge(kind, key_of(desired), patch, strategic=True)

    async def _hand_over(self, kind: Kind, desired: Object, live: Object) -> None:
        """Keep the number that we set so far and that from now on somebody else sets: given up, it would become 1."""
        replicas = (live.get("spec") or {}).get("replicas", 1)
        if kind.kind != "Deployment" or "replicas" in desired["spec"] or replicas == 1:
            return
        meta = {"namespace": live["metadata"]["namespace"], "name": live["metadata"]["name"]}
        head = {"apiVersion": desired["apiVersion"], "kind": desired["kind"], "metadata": meta}
        await self.kube.apply(kind, {**head, "spec": {"replicas": replicas}}, HANDED_OVER, force=True)

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

    async def _create(self, kind: Kind, desired: Object) -> Object:
        key = key_of(desired)
        try:
            written = await self.kube.apply(kind, desired, MANAGER, force=False)
        except ApiError as error:
            if error.code not in (409, 422):
                raise
            if error.code == 422 and "controller set to true" not in error.message.lower():
                raise
            self._strangers.add((kind.kind, key))
            raise _Foreign(_sentence_of(error)) from error
        if written.created or not (others := _others(written.object)):
            return written.object
        # It existed with just these values, so nothing conflicted: give back what we took.
        self._strangers.add((kind.kind, key))
        bare = {name: desired[name] for name in ("apiVersion", "kind")}
        bare["metadata"] = {"namespace": key.namespace, "name": key.name}
        await self.kube.apply(kind, bare, MANAGER, force=True)
        raise _Foreign(f"somebody else ({', '.join(others)})")

    async def _prune(self, owner: Object, wanted: set[tuple[str, str]], done: Applied) -> None:
        for name, informer in self.informers.items():
            for key in informer.keys("owner", owner["metadata"]["uid"]):
                if (name, key.name) in wanted or (child := informer.get(key)) is None:
                    continue
                if child["metadata"].get("deletionTimestamp") is None:
                    await self.kube.delete(informer.kind, key, child["metadata"]["uid"])
                    done.deleted.append(f"{name}/{key.name}")


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
        "blockOwnerDeletion": False,  # nobody waits, and OpenShift asks for no right on finalizers
    }
    whole = {**child, "metadata": {**meta, "labels": labels, "ownerReferences": [reference]}}
    digest = hashlib.sha256(msgspec.json.encode(whole, order="deterministic")).hexdigest()[:16]
    annotations = {**meta.get("annotations", {}), APPLIED: digest}
    return {**whole, "metadata": {**whole["metadata"], "annotations": annotations}}


def covers(desired: Any, live: Any, name: str = "") -> bool:
    """Whether `live` holds everything in `desired`; it may hold more (server defaults, other managers' fields).

    `name` is the key under which the value stands: the server rewrites amounts, and only amounts.
    """
    if desired == live:
        return True
    if isinstance(desired, dict):
        if not isinstance(live, dict):
            return False
        amounts = name in AMOUNT_MAPS
        for key, wish in desired.items():
            if key not in live:
                if not _omitted(key, wish):
                    return False
            elif not covers(wish, live[key], name if amounts else key):
                return False
        return True
    if isinstance(desired, list):
        if not isinstance(live, list) or len(desired) != len(live):
            return False
        # Not all(): this walks every child of every service at each start, and a generator a level doubles its time.
        for wish, fact in zip(desired, live, strict=True):  # noqa: SIM110
            if not covers(wish, fact):
                return False
        return True
    if name in AMOUNT_MAPS or name in AMOUNTS:
        return same_quantity(desired, live)
    return False


def _omitted(key: str, wish: Any) -> bool:
    """Whether the server drops the value when it stores it: what is empty, and false where false is no value."""
    return wish in ([], {}, "") or (wish is False and key in FALSE_IS_ABSENCE)


def controller_uid(obj: Object) -> str | None:
    """The uid of the object's controlling owner."""
    reference = _controller(obj)
    return str(reference["uid"]) if reference else None


def owner_index(obj: Object) -> list[str]:
    """Index function for informers of children."""
    uid = controller_uid(obj)
    return [uid] if uid else []


class _Foreign(Exception):
    """An object of a child's name exists and belongs to somebody else."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


def _refusal(child: Object, error: ApiError) -> Refusal:
    return Refusal(child["kind"], child["metadata"]["name"], error.code, error.reason, error.message)


def _ours(live: Object, owner: Object) -> bool:
    """Its controller is the owner; or we made it for an owner that is gone and it has none, or one of the same name."""
    reference = _controller(live)
    if reference is not None and reference["uid"] == owner["metadata"]["uid"]:
        return True
    if APPLIED not in (live["metadata"].get("annotations") or {}):
        return False
    return reference is None or (reference["kind"], reference["name"]) == (
        owner["kind"],
        owner["metadata"]["name"],
    )


def _controller(obj: Object) -> Object | None:
    references = obj["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def _holder(live: Object) -> str:
    reference = _controller(live)
    return f"{reference['kind']} {reference['name']}" if reference else "nobody (it has no controlling owner)"


def _sentence_of(conflict: ApiError) -> str:
    """Who holds the fields: the API server names the managers in quotes."""
    managers = re.findall(r'"([^"]+)"(?: using|:)', conflict.message)
    return f"somebody else ({', '.join(dict.fromkeys(managers)) or conflict.message[:160]})"


def _others(obj: Object) -> list[str]:
    """Managers other than us that own something outside status."""
    return sorted(
        entry["manager"]
        for entry in obj["metadata"].get("managedFields") or ()
        if entry.get("subresource") != "status" and entry["manager"] != MANAGER
    )
