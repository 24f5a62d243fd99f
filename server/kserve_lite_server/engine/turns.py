"""Requests that arrive in one turn of the event loop are computed together, without waiting for more."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kserve_lite_server.engine.engine import Batchable, Engine
from kserve_lite_server.errors import ServeError
from kserve_lite_server.protocol.call import Rows

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Job:
    """One request: its model, its rows, when it came (`time.perf_counter`), and whom to tell of its answer."""

    model: Batchable
    rows: Rows
    since: float
    tell: Callable[[Any, Any], None]
    """Called with this job and its result, or its `ServeError`."""


class Turns:
    """Collects jobs and runs them in the event loop, model by model, each reply isolated from the others.

    A batch begins when the turn ends. With `latency` (seconds) it waits so long for more, or until it has `size`
    rows; `size` 0 is no bound.
    """

    def __init__(
        self,
        engine: Engine,
        size: int,
        latency: float,
        began: Callable[[int], None],
        ended: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._began = began  # told of so many jobs before others could see that they wait
        self._ended = ended  # called when everything that waited is answered
        self._size = size
        self._latency = latency
        self._jobs: list[Job] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, job: Job) -> None:
        """Take a request; it is told its answer in the event loop, at the end of the turn."""
        self._jobs.append(job)
        if self._latency:
            self._began(1)
        if self._size and len(self._jobs) >= self._size:
            self.flush()
        elif len(self._jobs) == 1:
            if self._latency:
                self._timer = asyncio.get_running_loop().call_later(self._latency, self.flush)
            else:
                asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Answer everything that waits, now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        jobs, self._jobs = self._jobs, []
        if jobs and not self._latency:
            self._began(len(jobs))
        batches: dict[int, list[Job]] = {}
        for job in jobs:
            batches.setdefault(id(job.model), []).append(job)
        for batch in batches.values():
            self._run(batch)
        if jobs:
            self._ended()

    def _run(self, batch: list[Job]) -> None:
        model = batch[0].model
        rows = [job.rows for job in batch]
        queued = time.perf_counter() - batch[0].since
        try:
            answers = self._engine.together(model, rows, queued)
        except Exception:  # none of them may wait for ever
            log.exception("model %s: a batch failed", model.name)
            answers = [ServeError("internal", "the server failed; its log says why")] * len(batch)
        for job, answer in zip(batch, answers, strict=True):
            try:
                job.tell(job, answer)
            except Exception:  # a connection that broke is its own client's loss only
                log.exception("model %s: a reply could not be written", model.name)
