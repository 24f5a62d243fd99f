"""Which key to reconcile next: each key once, never in two workers, failed ones later, idle ones last."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from kserve_lite.controller.runtime.backoff import delay

K = TypeVar("K", bound=Hashable)

FIRST_RETRY = 0.05
LAST_RETRY = 120.0


class WorkQueue(Generic[K]):
    """Keys waiting for a worker, in two lanes: changes first, then what came with the first list or a resync."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._urgent: deque[K] = deque()
        self._idle: deque[K] = deque()
        self._since: dict[K, float] = {}  # every key in a lane, and when it entered
        self._working: set[K] = set()
        self._again: dict[K, bool] = {}  # asked for while being worked on: urgent?
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._wake = asyncio.Event()
        self.added = 0
        self.retried = 0

    def __len__(self) -> int:
        return len(self._since)

    @property
    def quiet(self) -> bool:
        """Nothing waits and nothing is worked on (timers may be running)."""
        return not self._since and not self._working

    def add(self, key: K, *, idle: bool = False) -> None:
        """Ask for a look at `key`; asking twice before the look is one look."""
        self._stop_timer(key)
        if key in self._working:
            self._again[key] = self._again.get(key, False) or not idle
        elif key not in self._since:
            self.added += 1
            self._since[key] = self._clock()
            (self._idle if idle else self._urgent).append(key)
            self._wake.set()
        elif not idle and key in self._idle:
            self._idle.remove(key)
            self._urgent.append(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Ask for a look at `key` in `seconds`; of several such requests the earliest counts."""
        when = asyncio.get_running_loop().time() + seconds
        if (timer := self._timers.get(key)) is not None and timer.when() <= when:
            return
        self._stop_timer(key)
        self._timers[key] = asyncio.get_running_loop().call_at(when, self._due, key)

    def failed(self, key: K) -> float:
        """Ask for another look after a wait that grows with each failure in a row; return the wait."""
        self._failures[key] = failures = self._failures.get(key, 0) + 1
        self.retried += 1
        wait = delay(failures, first=FIRST_RETRY, most=LAST_RETRY)
        self.add_after(key, wait)
        return wait

    def forget(self, key: K) -> None:
        """The look went well: the next failure counts as the first."""
        self._failures.pop(key, None)

    async def get(self) -> tuple[K, float]:
        """Wait for a key and take it; also how many seconds it had waited. Give it back with `done`."""
        while not self._since:
            self._wake.clear()
            await self._wake.wait()
        key = (self._urgent or self._idle).popleft()
        waited = self._clock() - self._since.pop(key)
        self._working.add(key)
        return key, waited

    def done(self, key: K) -> None:
        """End the work on a key; if it was asked for meanwhile, it enters its lane again."""
        self._working.discard(key)
        if (urgent := self._again.pop(key, None)) is not None:
            self.add(key, idle=not urgent)

    def close(self) -> None:
        """Drop all that waits; what is being worked on is left to its worker."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._urgent.clear()
        self._idle.clear()
        self._since.clear()

    def _due(self, key: K) -> None:
        del self._timers[key]
        self.add(key)

    def _stop_timer(self, key: K) -> None:
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()
