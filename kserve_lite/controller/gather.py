"""Read what the informers do not hold: ends of logs and events, of the few pods that do not come up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kserve_lite.controller import kinds
from kserve_lite.controller.findings.evidence import Wish, wish
from kserve_lite.controller.findings.pod import Evidence, Pod
from kserve_lite.controller.runtime.kube import TRANSIENT, Key, Kube, Object

log = logging.getLogger(__name__)

LINES = 40
KEPT = 1024  # pods whose evidence is remembered


@dataclass
class Gatherer:
    """Keeps the last evidence of each pod, so that between two readings a status does not forget."""

    kube: Kube
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _last: dict[str, tuple[datetime, Evidence]] = field(default_factory=dict)

    async def gather(self, bodies: Sequence[Object]) -> tuple[list[Pod], float | None]:
        """Return the pods with what is known about them, and in how many seconds to look again."""
        pods: list[Pod] = []
        again: list[float] = []
        for body in bodies:
            uid = body["metadata"]["uid"]
            read, evidence = self._last.get(uid, (None, Evidence()))
            wanted = wish(Pod(body), self.clock(), read)
            if wanted.logs or wanted.events:
                evidence = await self._read(body, wanted)
                self._keep(uid, evidence)
            elif wanted.after is None:
                self._last.pop(uid, None)
                evidence = Evidence()
            if wanted.after is not None:
                again.append(wanted.after)
            pods.append(Pod(body, evidence))
        return pods, min(again, default=None)

    async def _read(self, body: Object, wanted: Wish) -> Evidence:
        meta = body["metadata"]
        key = Key(meta["namespace"], meta["name"])
        logs = {name: await self._log(key, name) for name in wanted.logs}
        events = await self._events(key, meta["uid"]) if wanted.events else ()
        return Evidence(logs, tuple(events))

    async def _log(self, pod: Key, container: str) -> str:
        try:
            return await self.kube.log_tail(pod, container, LINES)
        except TRANSIENT as error:
            log.info("log of %s, container %s: %s", pod, container, error)
            return ""

    async def _events(self, pod: Key, uid: str) -> Sequence[str]:
        fields = f"involvedObject.uid={uid},type=Warning"
        try:
            return [
                str(event.get("message") or "")
                async for page in self.kube.pages(kinds.CORE_EVENT, pod.namespace, fields=fields)
                for event in page.items
            ]
        except TRANSIENT as error:
            log.info("events of %s: %s", pod, error)
            return ()

    def _keep(self, uid: str, evidence: Evidence) -> None:
        self._last.pop(uid, None)
        self._last[uid] = (self.clock(), evidence)
        if len(self._last) > KEPT:
            del self._last[next(iter(self._last))]
