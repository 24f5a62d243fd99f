"""Threads for gRPC's calls: a few that compute, and as many more as wait for a slow model.

A fixed pool either starves health checks behind slow models, when it is small, or lets dozens of threads fight for
the interpreter under load, when it is large (a fifth of the rate; see docs/decisions/0026).
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

Task = tuple["Future[Any]", Callable[[], Any]]


class Pool(Executor):
    """Runs calls in `size` threads; a thread inside `waiting()` does not count, another takes its place."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._waiting = 0

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Run `work` as soon as a thread is free."""
        future: Future[Any] = Future()
        self._tasks.put((future, lambda: work(*args, **kwargs)))
        if self._threads - self._waiting < self._size:
            self._grow()
        return future

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Say that the calling thread of this pool waits for something else than the processor."""
        with self._lock:
            self._waiting += 1
        self._grow()
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End idle threads; the others end with their call."""
        with self._lock:
            self._size = 0
            for _ in range(self._threads):
                self._tasks.put(None)

    def _grow(self) -> None:
        with self._lock:
            if self._threads - self._waiting >= self._size:
                return
            self._threads += 1
        threading.Thread(target=self._run, name="grpc", daemon=True).start()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, work = task
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)
            del task, future, work
            if self._surplus():
                return
        with self._lock:
            self._threads -= 1

    def _surplus(self) -> bool:
        """Whether this thread was started for one that no longer waits."""
        with self._lock:
            if surplus := self._threads - self._waiting > self._size:
                self._threads -= 1
            return surplus
