"""One model's bounded queue and the threads that empty it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from kserve_lite_server.errors import ServeError

T = TypeVar("T")


class Lane:
    """Runs calls of one model in at most `threads` threads; at most `max_queue_size` wait, the next is
    refused."""

    def __init__(self, name: str, threads: int, max_queue_size: int) -> None:
        self.name = name
        self.threads = threads
        self.max_queue_size = max_queue_size
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"predict-{name}")
        self._lock = threading.Lock()
        self._open = 0  # submitted, not finished
        self._running = 0

    @property
    def waiting(self) -> int:
        """Calls that no thread has taken yet."""
        return self._open - self._running

    def submit(self, work: Callable[[], T], deadline: float) -> "Future[T]":
        """Queue `work`; it is dropped when `deadline` (monotonic clock) passes or its future is cancelled
        first.

        Raises `ServeError` "queue_full" when the queue is full.
        """
        with self._lock:
            if self._open >= self.threads + self.max_queue_size:
                raise ServeError(
                    "queue_full",
                    f"model {self.name} has {self.max_queue_size} requests waiting; retry later",
                    retry_after=1,
                )
            self._open += 1
        future = self._executor.submit(self._run, work, deadline)
        future.add_done_callback(self._finished)
        return future

    def close(self) -> None:
        """Take no more calls; those already taken are answered."""
        self._executor.shutdown(wait=False)

    def _run(self, work: Callable[[], T], deadline: float) -> T:
        with self._lock:
            self._running += 1
        try:
            if time.monotonic() >= deadline:
                raise past_deadline(self.name)
            return work()
        finally:
            with self._lock:
                self._running -= 1

    def _finished(self, _: "Future[T]") -> None:
        with self._lock:
            self._open -= 1


def past_deadline(name: str) -> ServeError:
    """The refusal for a call that took, or waited, too long."""
    return ServeError(
        "deadline_exceeded", f"model {name} did not answer within the request's time; see --request_timeout"
    )
