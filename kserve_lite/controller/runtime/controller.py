"""Keys to reconciles: a pool of workers over one queue."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from kserve_lite.controller.runtime.apply import controller_uid
from kserve_lite.controller.runtime.informer import Informer, key_of
from kserve_lite.controller.runtime.kube import ApiError, Key, Object
from kserve_lite.controller.runtime.metrics import Metrics
from kserve_lite.controller.runtime.workqueue import WorkQueue

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Requeue:
    """Look again after so many seconds though nothing changed."""

    after: float


@dataclass(frozen=True, slots=True)
class Retry:
    """It did not work out, and the status says why: look again after a wait that grows with each failure in a row."""


Reconcile = Callable[[Key], Awaitable[Requeue | Retry | None]]


@dataclass
class Controller:
    """Reconciles one kind. Level-triggered: `reconcile(key)` gets no event and enforces everything."""

    name: str
    reconcile: Reconcile
    metrics: Metrics
    workers: int = 16
    timeout: float = 60.0
    grace: float = 10.0
    queue: WorkQueue[Key] = field(default_factory=WorkQueue)

    def __post_init__(self) -> None:
        self._busy: dict[asyncio.Task[None], Key] = {}
        self._stopping = False
        self.metrics.watch_queue(self.name, self.queue, self._busy)

    def own(self, roots: Informer) -> None:
        """Look at an object when what a user may change of it changes, not when we write its status."""

        def changed(before: Object | None, after: Object | None) -> None:
            if after is None or before is None or _intent(before) != _intent(after):
                # The first list is many keys at once: what happens meanwhile goes first.
                self.queue.add(
                    key_of(after or before or {}), idle=before is None and not roots.synced.is_set()
                )

        roots.listen(changed)

    def follow(self, children: Informer, roots: Informer) -> None:
        """Look at an owner when a child of it changes; one that is not there is looked at when it comes."""

        def changed(before: Object | None, after: Object | None) -> None:
            for obj in (before, after):
                if obj is None or (key := _owner(obj, roots)) is None or key not in roots:
                    continue
                if key != self._own_key():
                    self.queue.add(key, idle=not children.synced.is_set())

        children.listen(changed)

    def _own_key(self) -> Key | None:
        """The key whose reconcile wrote what we are being told of: it knows already."""
        task = asyncio.current_task()
        return self._busy.get(task) if task is not None else None

    def relate(
        self, others: Informer, keys: Callable[[Object], Iterable[Key]], *, status: bool = False
    ) -> None:
        """Look at the keys that have to do with an object of another kind when it comes, goes or changes.

        With `status`, also when only its status does.
        """

        def differs(before: Object, after: Object) -> bool:
            if _intent(before) != _intent(after):
                return True
            return status and before.get("status") != after.get("status")

        def changed(before: Object | None, after: Object | None) -> None:
            if before is None or after is None or differs(before, after):
                for key in {key for obj in (before, after) if obj is not None for key in keys(obj)}:
                    self.queue.add(key, idle=True)

        others.listen(changed)

    async def run(self) -> None:
        """Work until cancelled; reconciles in progress get `grace` seconds to finish."""
        workers = [asyncio.ensure_future(self._work()) for _ in range(self.workers)]
        try:
            await asyncio.gather(*workers)
        finally:
            self.queue.close()
            for worker in workers:
                if worker not in self._busy:
                    worker.cancel()
            if self._busy:
                self._stopping = True
                await asyncio.wait(set(self._busy), timeout=self.grace)
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        me = asyncio.current_task()
        assert me is not None
        while not self._stopping:
            key, waited = await self.queue.get()
            self._busy[me] = key
            self.metrics.waited[self.name].observe(waited)
            started = time.perf_counter()
            try:
                result = await self._once(key)
            finally:
                self._busy.pop(me, None)
                self.queue.done(key)
            self.metrics.seconds[self.name].observe(time.perf_counter() - started)
            self.metrics.reconciles[self.name, result] += 1
            # A look that finds all in place never waits: thousands in a row would hold up Lease, watches and probes.
            await asyncio.sleep(0)

    async def _once(self, key: Key) -> str:
        try:
            async with asyncio.timeout(self.timeout):
                again = await self.reconcile(key)
        except Exception as error:
            if isinstance(error, ApiError) and error.ending:
                # It goes with its namespace; until then what is taken from it stays away, and nobody can change that.
                log.debug("%s %s: %s", self.name, key, error)
                self.queue.forget(key)
                return "ending"
            wait = self.queue.failed(key)
            self.metrics.errors[self.name] += 1
            # What the API server refuses is no fault of this program: its sentence says it all.
            log.error("%s %s: %s; again in %.1f s", self.name, key, error or type(error).__name__, wait,
                      exc_info=not isinstance(error, ApiError | TimeoutError))  # fmt: skip
            return "error"
        if isinstance(again, Retry):
            self.queue.failed(key)
            return "retry"
        self.queue.forget(key)
        if again is None:
            return "success"
        self.queue.add_after(key, again.after)
        return "requeue_after"


def _intent(obj: Object) -> tuple[object, ...]:
    meta = obj["metadata"]
    return (
        meta.get("uid"),
        meta.get("generation") or meta["resourceVersion"],  # kinds without a spec have no generation
        meta.get("labels"),
        meta.get("annotations"),
        meta.get("deletionTimestamp"),
    )


def _owner(obj: Object, roots: Informer) -> Key | None:
    uid = controller_uid(obj)
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("uid") == uid and reference.get("kind") == roots.kind.kind:
            return Key(obj["metadata"].get("namespace", ""), reference["name"])
    return None
