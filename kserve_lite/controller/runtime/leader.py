"""Which replica works: a Lease, judged by our own monotonic clock, left only after the work has stopped."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from kserve_lite.controller.runtime.kube import TRANSIENT, ApiError, Key, Kind, Kube, Object

log = logging.getLogger(__name__)

LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")


@dataclass
class Election:
    """A candidate for one Lease. `identity` must be unique to this process.

    Another holder is believed for `duration` seconds from the moment *we* saw its record change: clocks of two
    machines are never compared. We stop believing in ourselves `deadline` seconds after our last renewal, which is
    before anybody else may take over.
    """

    kube: Kube
    key: Key
    identity: str
    duration: float = 15.0
    deadline: float = 10.0
    retry: float = 2.0
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.leading = asyncio.Event()
        self._lease: Object | None = None
        self._seen_at = 0.0

    async def run(self, work: Callable[[], asyncio.Future[None]]) -> None:
        """Wait to lead, run `work()`, and return when it ends or when the lead is lost.

        The work is cancelled and awaited before the Lease is released: two processes never work at once.
        """
        await self._acquire()
        log.info("leading as %s", self.identity)
        self.leading.set()
        task = asyncio.ensure_future(work())
        renewing = asyncio.ensure_future(self._renew())
        try:
            await asyncio.wait({task, renewing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (task, renewing):
                each.cancel()
            await asyncio.gather(task, renewing, return_exceptions=True)
            self.leading.clear()
            await self._release()
        if task.done() and not task.cancelled() and (error := task.exception()):
            raise error

    async def _acquire(self) -> None:
        while True:
            try:
                if await self._take():
                    return
            except TRANSIENT as error:
                log.warning("lease %s: %s", self.key, error)
            await asyncio.sleep(self.retry)

    async def _take(self) -> bool:
        """One try to take a Lease that is new, left, ours or expired."""
        try:
            lease = await self.kube.get(LEASE, self.key)
        except ApiError as error:
            if error.code != 404:
                raise
            lease = None
        if lease is None:
            return await self._write(self.kube.create(LEASE, self._record({}, transitions=0)))
        self._watch(lease)
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        expired = self.clock() - self._seen_at > float(spec.get("leaseDurationSeconds") or self.duration)
        if holder not in ("", self.identity) and not expired:
            return False
        transitions = int(spec.get("leaseTransitions") or 0) + (holder != self.identity)
        return await self._write(self.kube.replace(LEASE, self._record(lease, transitions)))

    def _watch(self, lease: Object) -> None:
        """Start the holder's time anew whenever its record changed."""
        if self._lease is None or self._lease["metadata"].get("resourceVersion") != lease["metadata"].get(
            "resourceVersion"
        ):
            self._seen_at = self.clock()
        self._lease = lease

    async def _write(self, request: object) -> bool:
        try:
            lease: Object = await request  # type: ignore[misc]
        except ApiError as error:
            if error.code == 409:
                return False  # somebody else was faster
            raise
        self._lease, self._seen_at = lease, self.clock()
        return True

    async def _renew(self) -> None:
        """Renew until it failed for `deadline` seconds or the Lease is somebody else's."""
        renewed = self.clock()
        while self.clock() - renewed < self.deadline:
            await asyncio.sleep(self.retry)
            asked = self.clock()
            try:
                async with asyncio.timeout(max(0.1, self.deadline - (asked - renewed))):
                    assert self._lease is not None
                    transitions = int(self._lease["spec"].get("leaseTransitions") or 0)
                    if await self._write(self.kube.replace(LEASE, self._record(self._lease, transitions))):
                        renewed = asked
                        continue
                    lease = await self.kube.get(LEASE, self.key)
                if (lease.get("spec") or {}).get("holderIdentity") != self.identity:
                    log.error("lease %s was taken by %s", self.key, lease["spec"].get("holderIdentity"))
                    return
                self._lease = lease  # touched by somebody, but still ours
            except TRANSIENT as error:
                log.warning("lease %s: %s", self.key, error)
        log.error("lease %s could not be renewed for %.0f s", self.key, self.deadline)

    async def _release(self) -> None:
        """Leave the Lease at once, so that the next process need not wait it out."""
        try:
            lease = await self.kube.get(LEASE, self.key)
            if lease["spec"].get("holderIdentity") == self.identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                await self.kube.replace(LEASE, lease)
        except TRANSIENT as error:
            log.warning("lease %s: not released: %s", self.key, error)

    def _record(self, lease: Object, transitions: int) -> Object:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = lease.get("spec") or {}
        mine = spec.get("holderIdentity") == self.identity
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": lease.get("metadata") or {"namespace": self.key.namespace, "name": self.key.name},
            "spec": {
                "holderIdentity": self.identity,
                "leaseDurationSeconds": int(self.duration),
                "acquireTime": spec.get("acquireTime", now) if mine else now,
                "renewTime": now,
                "leaseTransitions": transitions,
            },
        }
