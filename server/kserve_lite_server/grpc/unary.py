"""A call with one message and one answer: read, answered now or later, logged once, dropped when nobody waits."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError, Message

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.grpc.blocks import Headers
from kserve_lite_server.grpc.incoming import Sent
from kserve_lite_server.grpc.stream import Stream
from kserve_lite_server.http.heavy import HEAVY_BYTES, off_loop
from kserve_lite_server.http.observe import Seen, Trace, read_trace

if TYPE_CHECKING:
    from kserve_lite_server.grpc.calls import Calls

log = logging.getLogger(__name__)

# What a method gives: its answer, or, when it has to wait for it, the work to be done.
Answer = Message | Coroutine[Any, Any, Message]


class Route:
    """One method: its path, its message, what answers it."""

    def __init__(
        self, path: str, message: type[Message], answer: Callable[[Any, Unary], Answer], infers: bool
    ) -> None:
        self.path = path
        self.message = message
        self.answer = answer
        self.infers = infers

    def read(self, data: bytes) -> Message:
        """Decode a message. Raises `ServeError`."""
        try:
            return self.message.FromString(data)
        except DecodeError:
            raise invalid(f"the bytes are no {self.message.DESCRIPTOR.full_name}") from None


class Unary:
    """One call with one message and one answer."""

    __slots__ = (
        "_answer",
        "_began",
        "_calls",
        "_handed",
        "_route",
        "_sent",
        "_task",
        "over",
        "seen",
        "since",
        "size",
        "stream",
        "trailer",
    )

    def __init__(self, calls: Calls, route: Route, stream: Stream) -> None:
        self._calls = calls
        self._route = route
        self._sent: Sent | None = None
        self._task: asyncio.Task[None] | None = None
        self._answer: Any = None
        self._began = False
        self._handed = False  # its end is told with those of others
        self.over = False
        self.size = 0  # of the message, as it is read
        self.since = time.perf_counter()
        self.stream = stream
        self.trailer: Headers = []  # metadata that goes with a good answer
        request_id = stream.head.metadata.get("x-request-id", "")
        self.seen = Seen("gRPC", route.path, "grpc" if route.infers else "", request_id=request_id)
        calls.process.enter()

    @property
    def patience(self) -> float:
        """Seconds in which the message must have come."""
        return self._calls.patience

    @property
    def metadata(self) -> dict[str, str]:
        """What the client says beside its message."""
        return self.stream.head.metadata

    @property
    def trace(self) -> Trace | None:
        """The caller's trace."""
        return read_trace(self.metadata.get("traceparent"))

    def remaining(self) -> float | None:
        """Seconds that the client still waits; None where it did not say."""
        return self.stream.remaining()

    def received(self, message: Sent) -> None:
        """Keep the message."""
        if self._sent is not None:
            raise invalid("the call has more than one message")
        self._sent = message
        self.seen.received = len(message.data)

    def finish(self) -> None:
        """Answer, now or later."""
        sent = self._sent
        if sent is None:
            raise invalid("the call has no message")
        self._sent = None
        try:
            if sent.weight > HEAVY_BYTES:
                self._later(self._heavily(sent))
                return
            data = sent.read()
            self.size = len(data)
            request = self._route.read(data)
            if self._route.infers and self._calls.at_once(self, request):
                self._handed = True
                return
            answer = self._route.answer(request, self)
            if isinstance(answer, Message):
                self.succeed(answer)
            else:
                self._later(answer)
        except ServeError as error:
            self.refuse(error)
        except Exception:
            self._fail()

    def succeed(self, message: Message) -> None:
        """Send the answer."""
        data = message.SerializeToString()
        self.check(data)
        self._end(200, "", len(data))
        self.stream.answer(data, self.trailer)

    def check(self, data: bytes) -> None:
        """Raise `ServeError` when an answer is larger than it may be."""
        largest = self._calls.longest_answer
        if largest is not None and len(data) > largest:
            raise ServeError(
                "answer_too_large",
                f"the answer of {len(data)} bytes is larger than {largest}; see --grpc_max_send_message_length",
            )

    def refuse(self, error: ServeError) -> None:
        """Send an error."""
        if not self.over:
            self._end(error.status, error.code, 0)
            self.stream.fail(error)

    def cancel(self) -> None:
        """Drop the call: nobody waits for its answer."""
        if self.over:
            return
        self._end(499, "", 0)
        if self._task is not None:
            self._task.cancel()
            if inspect.getcoroutinestate(self._answer) == inspect.CORO_CREATED:
                self._answer.close()

    def _later(self, answer: Coroutine[Any, Any, Message]) -> None:
        self._begin()
        self._answer = answer
        self._task = asyncio.get_running_loop().create_task(self._wait(answer))

    async def _heavily(self, sent: Sent) -> Message:
        """Read a large message in a thread, then answer it."""

        def read() -> Message:
            data = sent.read()
            self.size = len(data)
            return self._route.read(data)

        answer = self._route.answer(await off_loop(sent.weight, read), self)
        return answer if isinstance(answer, Message) else await answer

    async def _wait(self, answer: Coroutine[Any, Any, Message]) -> None:
        """Answer when `answer` is there, for as long as the client waits."""
        try:
            async with asyncio.timeout(self.remaining()) as limit:
                message = await answer
            if not self.over:
                self.succeed(message)
        except ServeError as error:
            self.refuse(error)
        except asyncio.CancelledError:
            if not self.over:
                self.refuse(ServeError("internal", "the call was given up"))
        except Exception:
            if limit.expired():
                self.refuse(ServeError("deadline_exceeded", "the client's time for the call has passed"))
            elif not self.over:
                self._fail()
        self.stream.connection.flush()

    def _fail(self) -> None:
        log.exception("%s failed", self._route.path)
        self.refuse(ServeError("internal", "the server failed; its log says why"))

    def _begin(self) -> None:
        self._began = True
        self._calls.log.began()

    def _end(self, status: int, code: str, sent: int) -> None:
        self.done()
        if not self._handed:
            if not self._began:
                self._begin()
            seconds = time.perf_counter() - self.since
            self._calls.log.ended(self.seen, status, code, sent, seconds, self.trace)

    def done(self) -> None:
        """The call ends here."""
        self.over = True
        self._calls.process.leave()
