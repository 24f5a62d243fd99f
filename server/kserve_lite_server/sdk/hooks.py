"""Running a model's hooks: coroutines on the event loop, plain functions in threads of the model's own.

By default that is one thread a model: KServe runs plain hooks on its event loop, one after the other, so they were
written without locks. Here the loop stays free for probes meanwhile.
"""

import asyncio
import contextvars
import inspect
import time
from collections.abc import Callable
from typing import Any

from kserve_lite_server.engine.lane import Lane
from kserve_lite_server.metrics import EXPLAIN, POSTPROCESS, PREDICT, PREPROCESS
from kserve_lite_server.sdk.deadline import remaining
from kserve_lite_server.sdk.errors import refusal

SECONDS = {"preprocess": PREPROCESS, "predict": PREDICT, "explain": EXPLAIN, "postprocess": POSTPROCESS}
NEVER = 365 * 24 * 3600.0


class Hooks:
    """The hooks of one model."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._threads = 1
        self._max_queue_size = 100
        self._lane: Lane | None = None

    def configure(self, threads: int, max_queue_size: int) -> None:
        """Before the first request: how many threads run plain hooks, and how many calls may wait for one."""
        self._threads, self._max_queue_size = threads, max_queue_size

    async def run(self, name: str, hook: Callable[..., Any], *arguments: Any) -> Any:
        """Run one hook and time it. Raises `ServeError`, whatever the hook raised."""
        started = time.perf_counter()
        try:
            if inspect.iscoroutinefunction(hook):
                result = hook(*arguments)
            else:
                result = await self._in_thread(hook, arguments)
            return await result if inspect.isawaitable(result) else result
        except Exception as error:
            raise refusal(error, self._model, name) from error
        finally:
            SECONDS[name].labels(self._model).observe(time.perf_counter() - started)

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function of the model's that is no hook of a request: load, get_input_types, a route."""
        if inspect.iscoroutinefunction(function):
            return await function(*arguments)
        result = await asyncio.to_thread(function, *arguments)
        return await result if inspect.isawaitable(result) else result

    def close(self) -> None:
        """Take no more calls."""
        if self._lane is not None:
            self._lane.close()

    async def _in_thread(self, hook: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        if self._lane is None:
            self._lane = Lane(self._model, self._threads, self._max_queue_size)
        context = contextvars.copy_context()  # the deadline goes with the work
        left = remaining()
        deadline = time.monotonic() + (NEVER if left is None else left)
        # Cancelled with its request: dropped if no thread has begun it.
        return await asyncio.wrap_future(self._lane.submit(lambda: context.run(hook, *arguments), deadline))
