"""Where a call meets a model: at once when the model is fast, else in a worker thread, always under a
deadline."""

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from kserve_lite_server.engine.lane import Lane, past_deadline
from kserve_lite_server.engine.pace import Pace
from kserve_lite_server.errors import ServeError
from kserve_lite_server.protocol.call import Call, Rows

# A method's name, and what it returned.
Answer = dict[str, Any]


class Servable(Protocol):
    """What the engine needs of a model."""

    @property
    def name(self) -> str:
        """The model's name in metrics and messages."""

    @property
    def pace(self) -> Pace:
        """How fast it is."""

    def answer(self, call: Call) -> Answer:
        """Run the call's methods on its rows; raises `ServeError`."""


class Batchable(Servable, Protocol):
    """What the engine needs of a model to answer several requests at once."""

    def answers(self, requests: Sequence[Rows]) -> list[Any | ServeError]:
        """Answer each request by the model's own method: its result, or why it has none."""


class Observer(Protocol):
    """Told of every call that ran."""

    def ran(self, model: str, rows: int, queued: float, seconds: float) -> None:
        """`queued` seconds waiting, then `seconds` running."""


class Engine:
    """Three ways to ask, one set of rules: `now` (at once, if the model is fast), `answer` (or in its own threads),
    `together` (at once, several)."""

    def __init__(self, threads: int, max_queue_size: int, request_timeout: float, observer: Observer) -> None:
        self._threads = threads
        self._max_queue_size = max_queue_size
        self._observer = observer
        self._lanes: dict[int, Lane] = {}
        self._lock = threading.Lock()
        self.request_timeout = request_timeout

    def now(self, model: Servable, call: Call) -> Answer | None:
        """Answer in the caller's thread if the model is fast enough for the event loop; None if it is not."""
        return self._timed(model, call, 0.0) if model.pace.fits_loop(call.count) else None

    async def answer(self, model: Servable, call: Call, within: float | None = None) -> Answer:
        """Answer from the event loop without blocking it; cancelling drops the call if it has not begun."""
        if (answer := self.now(model, call)) is not None:
            return answer
        deadline = self._deadline(within)
        future = self._submit(model, call, deadline)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise past_deadline(model.name) from None

    def together(self, model: Batchable, requests: Sequence[Rows], queued: float) -> list[Any]:
        """Answer several requests at once in the caller's thread: for each its result, or its `ServeError`."""
        rows = sum(map(len, requests))
        started, worked = time.perf_counter(), time.thread_time()
        answers = model.answers(requests)
        model.pace.observe(rows, time.thread_time() - worked)
        seconds = time.perf_counter() - started
        self._observer.ran(model.name, rows, queued, seconds)
        return answers

    def waiting(self, model: Servable) -> int:
        """How many calls of the model no thread has taken yet."""
        lane = self._lanes.get(id(model))
        return lane.waiting if lane else 0

    def forget(self, model: Servable) -> None:
        """Drop the model's queue; calls in it are answered first."""
        with self._lock:
            lane = self._lanes.pop(id(model), None)
        if lane:
            lane.close()

    def _submit(self, model: Servable, call: Call, deadline: float) -> "Future[Answer]":
        queued_at = time.monotonic()
        return self._lane(model).submit(
            lambda: self._timed(model, call, time.monotonic() - queued_at), deadline
        )

    def _lane(self, model: Servable) -> Lane:
        with self._lock:
            lane = self._lanes.get(id(model))
            if lane is None:
                lane = self._lanes[id(model)] = Lane(model.name, self._threads, self._max_queue_size)
            return lane

    def _timed(self, model: Servable, call: Call, queued: float) -> Answer:
        started, worked = time.perf_counter(), time.thread_time()
        answer = model.answer(call)
        model.pace.observe(call.count, time.thread_time() - worked)
        seconds = time.perf_counter() - started
        self._observer.ran(model.name, call.count, queued, seconds)
        return answer

    def _deadline(self, within: float | None) -> float:
        return time.monotonic() + min(
            self.request_timeout, self.request_timeout if within is None else within
        )
