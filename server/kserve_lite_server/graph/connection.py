"""One connection to a service: a request at a time, its answer whole or passed on while it arrives."""

import asyncio
from typing import TYPE_CHECKING

from kserve_lite_server.graph.failure import Failure, Untouched
from kserve_lite_server.graph.heads import (
    CHUNKED,
    END,
    KNOWN,
    LONGEST_KNOWN,
    UNTIL_CLOSE,
    BadHead,
    Chunks,
    ResponseHead,
)
from kserve_lite_server.graph.message import Message, Stream
from kserve_lite_server.graph.turn import Answer

if TYPE_CHECKING:
    from kserve_lite_server.graph.pool import Origin

STREAM_FROM = 64 * 1024
"""An answer from this size on is passed on while it arrives, where nobody has to read it."""
LONGEST_HEAD = 64 * 1024
HEADS: dict[bytes, ResponseHead] = {}


class Asked(Answer[Message]):
    """The answer to a request that has been sent."""

    __slots__ = ("begun", "connection", "deadline")
    begun: float
    connection: "Connection"
    deadline: float


class Connection(asyncio.Protocol):
    """Belongs to an origin, which lends it to one request at a time."""

    def __init__(self, origin: "Origin", born: float) -> None:
        self.born = born
        self.idle_since = born
        self.open = True
        self.counted = False  # among those of the origin
        self._origin = origin
        self._loop = origin.loop
        self._transport: asyncio.Transport
        self._answer: Asked | None = None
        # Set for a deadline of before and left alone by later ones: a timer a request would be its dearest part.
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._deadline = 0.0
        self._longest = 0
        self._may_stream = False
        self._drained: asyncio.Future[None] | None = None
        self._reset()

    def _reset(self) -> None:
        self._head: ResponseHead | None = None
        self._unread = b""
        self._parts: list[bytes] = []
        self._size = 0
        self._chunks: Chunks | None = None
        self._stream: Stream | None = None

    def ask(self, head: bytes, body: bytes, deadline: float, longest: int, may_stream: bool) -> Asked:
        """Send a request. Its answer comes by `deadline` (loop time), at most `longest` bytes unless it streams.

        A small body comes with `head`, so that it is one write. The answer raises `Failure`; `Untouched` when the
        connection ended before any byte of an answer.
        """
        self._longest, self._may_stream, self._deadline = longest, may_stream, deadline
        answer = Asked(self._loop)
        answer.connection, answer.deadline = self, deadline
        self._answer = answer
        if self._timer is None or deadline < self._due:
            self._watch()
        self._transport.write(head)
        if body:
            self._transport.write(body)
        return answer

    async def send(self, chunk: bytes) -> None:
        """Send a part of a body that streams; waits while the service does not read."""
        if not self.open:
            raise ConnectionResetError
        self._transport.write(chunk)
        if self._drained is not None:
            await self._drained

    def abort(self) -> None:
        """Give up what is being asked; the connection cannot be used again."""
        self.open = False
        self._origin.forget(self)
        self._answer = None
        self._unwatch()
        self._transport.abort()

    def close(self) -> None:
        """Close a connection that nobody uses."""
        self.open = False
        self._origin.uncount(self)
        self._unwatch()
        self._transport.close()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Read an answer."""
        if self._answer is None:
            self.abort()  # nobody asked
            return
        if self._head is None and not self._unread:  # as a rule: a known head, and the whole answer at once
            end = data.find(END) + 4
            head = HEADS.get(data[:end])
            if head is not None and head.length == len(data) - end <= self._longest and head.status >= 200:
                self._hand_over(head, data[end:])
                return
        try:
            if self._head is None:
                self._read_head(self._unread + data if self._unread else data)
            else:
                self._read_body(data)
        except BadHead as error:
            self._fail(Failure("step_broken", f"its answer is not HTTP: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is being asked, unless the end of the connection is the end of the answer."""
        self.open = False
        self._origin.forget(self)
        if self._answer is None:
            self._unwatch()
        if self._drained is not None and not self._drained.done():
            self._drained.set_exception(ConnectionResetError())
        if self._answer is None:
            return
        if self._head is not None and self._head.length == UNTIL_CLOSE and exc is None:
            self._complete()
        elif self._head is None and not self._unread:
            self._fail(Untouched("step_broken", "the connection ended before it answered"))
        else:
            self._fail(Failure("step_broken", "the connection ended in the middle of its answer"))

    def pause_writing(self) -> None:
        """The service does not read."""
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """It does again."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    # Reading.

    def _read_head(self, data: bytes) -> None:
        end = data.find(END) + 4
        if end < 4:
            if len(data) > LONGEST_HEAD:
                raise BadHead("the head is too long")
            self._unread = data
            return
        raw = data[:end]
        head = HEADS.get(raw)
        if head is None:
            head = ResponseHead(raw)
            if len(raw) <= LONGEST_KNOWN:
                if len(HEADS) >= KNOWN:
                    HEADS.clear()
                HEADS[raw] = head
        self._unread = b""
        if head.status < 200:  # on the way, such as 100
            if rest := data[end:]:
                self._read_head(rest)
            return
        self._head = head
        length = head.length
        if length >= 0 and len(data) == end + length and length <= self._longest:  # whole, and alone
            self._head = None
            self._hand_over(head, data[end:])
            return
        if length == CHUNKED:
            self._chunks = Chunks()
        if self._may_stream and (length < 0 or length >= STREAM_FROM):
            self._begin_stream(head)
        elif length > self._longest:
            self._too_large()
            return
        self._read_body(data[end:])

    def _hand_over(self, head: ResponseHead, body: bytes) -> None:
        """A whole answer of which nothing is kept here; the connection is free before its reader runs."""
        answer, self._answer = self._answer, None
        if head.keep_alive and self.open:
            self._origin.give_back(self)
        else:
            self.close()
        if answer is not None and not answer.done():
            answer.set_result(Message(head.status, head.content, body, None, head.readable))

    def _begin_stream(self, head: ResponseHead) -> None:
        length = head.length if head.length >= 0 else None
        self._stream = Stream(length, self._transport.pause_reading, self._transport.resume_reading)
        assert self._answer is not None
        if not self._answer.done():
            self._answer.set_result(
                Message(head.status, head.content, b"", self._stream, readable=head.readable)
            )

    def _read_body(self, data: bytes) -> None:
        head = self._head
        assert head is not None
        pieces, rest, done = [data], b"", False
        if self._chunks is not None:
            pieces, rest = self._chunks.feed(data)
            done = self._chunks.done
        elif head.length >= 0:
            left = head.length - self._size
            pieces, rest, done = [data[:left]], data[left:], len(data) >= left
        for piece in pieces:
            self._size += len(piece)
            if self._stream is None:
                self._parts.append(piece)
            elif piece:
                self._stream.feed(piece)
        if self._stream is None and self._size > self._longest:
            self._too_large()
        elif done:
            self._complete(reusable=not rest)

    def _complete(self, reusable: bool = True) -> None:
        """The answer is whole."""
        head, stream = self._head, self._stream
        assert head is not None
        if stream is None:
            self._finish(
                Message(head.status, head.content, b"".join(self._parts), readable=head.readable), reusable
            )
            return
        self._answer = None
        self._give_back(head, reusable)
        stream.end()

    def _finish(self, message: Message, reusable: bool = True) -> None:
        """Hand over a whole answer; the connection is free before its reader runs."""
        answer, head = self._answer, self._head
        assert head is not None
        self._answer = None
        self._give_back(head, reusable)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _give_back(self, head: ResponseHead, reusable: bool) -> None:
        self._reset()
        if head.keep_alive and reusable and self.open:
            self._origin.give_back(self)
        else:
            self.close()

    def _too_large(self) -> None:
        self._fail(Failure("step_answer_too_large", f"its answer is larger than {self._longest} bytes"))

    def _watch(self) -> None:
        """Look at the deadline when it comes."""
        self._unwatch()
        self._due = self._deadline
        self._timer = self._loop.call_at(self._due, self._look)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """A deadline has come: that of the present request, or of one that was answered long ago."""
        self._timer = None
        if self._answer is None:
            return
        if self._due < self._deadline:
            self._watch()
            return
        self._fail(Failure("step_too_slow", "it did not answer within its time-out"))

    def _fail(self, failure: Failure) -> None:
        answer, stream = self._answer, self._stream
        self.abort()
        if stream is not None:
            stream.end(failure)
        elif answer is not None and not answer.done():
            answer.set_exception(failure)
