"""A request's coroutine without a task: it goes on inside the call that brings what it waits for.

A task costs a request four rounds through the event loop, which is most of what a router does in Python. What needs
the current task (`asyncio.timeout`) is awaited as a task of its own.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Answer(Generic[T]):
    """What is waited for once, by a turn or by a task."""

    __slots__ = (
        "_asyncio_future_blocking",
        "_callback",
        "_context",
        "_done",
        "_error",
        "_loop",
        "_value",
        "resume",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asyncio_future_blocking = False
        self.resume: Callable[[Any], None] | None = None
        """What a turn wants to be called, at once."""
        self._callback: Callable[[Any], object] | None = None
        self._context: Context | None = None
        self._loop = loop
        self._done = False
        self._value: T
        self._error: BaseException | None = None

    def __await__(self) -> Generator[Any, None, T]:
        """Wait for it."""
        if not self._done:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    def done(self) -> bool:
        """Whether it is here, or never comes."""
        return self._done

    def result(self) -> T:
        """What was waited for. Raises why it does not come."""
        if self._error is not None:
            raise self._error
        return self._value

    def set_result(self, value: T) -> None:
        """It is here."""
        self._value = value
        self._done = True
        if self.resume is not None:
            self.resume(self)
        elif self._callback is not None:
            self._soon()

    def set_exception(self, error: BaseException) -> None:
        """It does not come."""
        self._error = error
        self._done = True
        if self.resume is not None:
            self.resume(self)
        elif self._callback is not None:
            self._soon()

    def cancel(self, msg: object = None) -> bool:
        """Nobody wants it any more."""
        if self._done:
            return False
        self.set_exception(asyncio.CancelledError())
        return True

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the task that waits."""
        return self._loop

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Call a task that waits, soon."""
        self._callback, self._context = callback, context

    def _soon(self) -> None:
        assert self._callback is not None
        self._loop.call_soon(self._callback, self, context=self._context)


class Turn:
    """Drives one coroutine, which answers for all its errors."""

    __slots__ = ("_cancelled", "_coroutine", "_loop", "_waits")

    def __init__(self, coroutine: Coroutine[Any, None, None], loop: asyncio.AbstractEventLoop) -> None:
        """Nothing runs before `start`."""
        self._coroutine = coroutine
        self._loop = loop
        self._waits: Any = None
        self._cancelled = False

    def start(self) -> None:
        """Run until it waits for something."""
        self._step(None)

    def cancel(self) -> None:
        """Let what it waits for, or its next wait, raise `CancelledError`."""
        if self._waits is None or not self._waits.cancel():
            self._cancelled = True

    def _step(self, waited: Any) -> None:
        """Go on; what was waited for raises in the coroutine by itself."""
        self._waits = None
        try:
            if self._cancelled:
                self._cancelled = False
                wanted = self._coroutine.throw(asyncio.CancelledError())
            else:
                wanted = self._coroutine.send(None)
        except (StopIteration, asyncio.CancelledError):
            return
        if wanted is None:  # it lets others go first
            self._loop.call_soon(self._step, None)
            return
        self._waits = wanted
        wanted._asyncio_future_blocking = False
        if isinstance(wanted, Answer):
            wanted.resume = self._step
        else:
            wanted.add_done_callback(self._step)
        if self._cancelled and wanted.cancel():
            self._cancelled = False
