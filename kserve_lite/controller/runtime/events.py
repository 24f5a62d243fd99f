"""Events on objects: each said once, and counted when it is said again."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from kserve_lite.controller.runtime.kube import TRANSIENT, ApiError, Key, Kind, Kube, Object

log = logging.getLogger(__name__)

EVENT = Kind("events.k8s.io", "v1", "Event", "events")
AGAIN = 300.0  # seconds before a repeated event is counted on the server
KEPT = 4096  # events remembered for counting


@dataclass
class _Said:
    key: Key
    count: int
    told: float


@dataclass
class Recorder:
    """Writes events under one component's name. A lost event is logged and never fails a reconcile."""

    kube: Kube
    component: str
    instance: str
    clock: Callable[[], float] = time.monotonic
    _said: dict[str, _Said] = field(default_factory=dict)

    async def event(
        self, about: Object, kind: Literal["Normal", "Warning"], reason: str, action: str, note: str
    ) -> None:
        """Say something about an object: `reason` in UpperCamelCase, `note` a sentence (1 kB at most)."""
        meta = about["metadata"]
        identity = "\0".join([meta.get("uid", ""), kind, reason, note])
        said = self._said.get(identity)
        try:
            if said is None:
                await self._say(identity, about, kind, reason, action, note[:1024])
            elif self.clock() - said.told >= AGAIN:
                await self._repeat(identity, said)
            else:
                said.count += 1
        except TRANSIENT as error:
            ending = isinstance(error, ApiError) and error.ending
            level = logging.DEBUG if ending else logging.WARNING
            log.log(level, "event %s on %s: %s", reason, meta["name"], error)

    async def _say(
        self, identity: str, about: Object, kind: str, reason: str, action: str, note: str
    ) -> None:
        meta = about["metadata"]
        digest = hashlib.sha256(f"{identity}\0{time.time_ns()}".encode()).hexdigest()[:16]
        key = Key(meta.get("namespace") or "default", f"{meta['name'][:200]}.{digest}")
        body = {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.kind,
            "metadata": {"namespace": key.namespace, "name": key.name},
            "eventTime": _now(),
            "type": kind,
            "reason": reason,
            "action": action,
            "note": note,
            "reportingController": self.component,
            "reportingInstance": self.instance[:128],
            "regarding": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "namespace": meta.get("namespace", ""),
                "name": meta["name"],
                "uid": meta.get("uid", ""),
                "resourceVersion": meta.get("resourceVersion", ""),
            },
        }
        await self.kube.create(EVENT, body)
        if len(self._said) >= KEPT:
            del self._said[next(iter(self._said))]
        self._said[identity] = _Said(key, 1, self.clock())

    async def _repeat(self, identity: str, said: _Said) -> None:
        said.count += 1
        said.told = self.clock()
        try:
            patch = {"series": {"count": said.count, "lastObservedTime": _now()}}
            await self.kube.merge(EVENT, said.key, patch)
        except ApiError as error:
            if error.code != 404:
                raise
            del self._said[identity]  # expired on the server: the next one is said anew


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
