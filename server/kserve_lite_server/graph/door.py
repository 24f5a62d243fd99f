"""The front door: HTTP/1.1 on an asyncio protocol, a turn a request, which ends with its client."""

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from kserve_lite_server.errors import ServeError
from kserve_lite_server.graph.call import Call
from kserve_lite_server.graph.connection import STREAM_FROM
from kserve_lite_server.graph.failure import Failure
from kserve_lite_server.graph.heads import CHUNKED, END, BadHead, Chunks, RequestHead
from kserve_lite_server.graph.message import Message, Stream, error_message
from kserve_lite_server.graph.turn import Turn

if TYPE_CHECKING:
    from kserve_lite_server.graph.service import Service

LONGEST_HEAD = 64 * 1024
MOST_WAITING = 256 * 1024
"""Bytes of the next requests of a connection that may wait for the end of this one."""
STATUS_LINES = {200: b"HTTP/1.1 200 OK\r\n"}
"""Those that were written before."""


class Door(asyncio.Protocol):
    """One connection of a client: a request at a time."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._transport: asyncio.Transport
        self._unread = b""
        self._task: Turn | asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._waiting = False
        self._begin()

    def _begin(self) -> None:
        """Wait for a request."""
        self._head: RequestHead | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._chunks: Chunks | None = None
        self._stream: Stream | None = None
        self.since = self._service.now()
        """When this request began to arrive, or the last one ended."""

    @property
    def idle(self) -> bool:
        """Nothing of a request is here."""
        return self._task is None and self._head is None and not self._unread and not self._waiting

    @property
    def receiving(self) -> bool:
        """A request is on its way in."""
        return (self._task is None and not self.idle) or self._stream is not None

    def close(self) -> None:
        """Close an idle connection."""
        self._transport.close()

    @property
    def announced(self) -> int:
        """Bytes of the body that is held here, or is going to be."""
        if self._head is None or self._stream is not None:
            return 0
        return max(self._head.length, self._size)

    def too_slow(self) -> None:
        """Give up a request that does not arrive."""
        self._give_up(ServeError("request_too_slow", "the request did not arrive in time"))

    # What asyncio calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self._transport = transport
        self._service.doors.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, and with it everybody's interest in its request."""
        self._service.doors.discard(self)
        if self._writable is not None and not self._writable.done():
            self._writable.set_exception(ConnectionResetError())
        if self._stream is not None:
            self._stream.end(ConnectionResetError())
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Read a request."""
        if self._transport.is_closing():
            return
        if self._waiting or (self._task is not None and self._stream is None):
            self._unread += data
            if len(self._unread) > MOST_WAITING:
                self._transport.pause_reading()
            return
        try:
            if self._head is None:
                self._read_head(self._unread + data if self._unread else data)
            else:
                self._read_body(self._head, data)
        except BadHead as error:
            self._give_up(ServeError("bad_request", f"the request is not HTTP: {error}"))
        except ServeError as error:
            self._give_up(error)

    def pause_writing(self) -> None:
        """The client does not read."""
        self._writable = self._service.loop.create_future()

    def resume_writing(self) -> None:
        """It does again."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # Reading.

    def _read_head(self, data: bytes) -> None:
        end = data.find(END) + 4
        if end < 4 or end > LONGEST_HEAD:
            if len(data) > LONGEST_HEAD:
                raise ServeError(
                    "headers_too_large", f"the request's head is larger than {LONGEST_HEAD} bytes"
                )
            if not self._unread:
                self.since = self._service.now()
            self._unread = data
            return
        self._unread = b""
        head = self._service.router.head(data[:end])
        length = head.length
        if head.method != b"POST":
            self._unread = data[end:]  # a body would be nobody's
            page = self._service.page(head)
            self._write(page, keep=head.keep_alive and not length, bodiless=head.method == b"HEAD")
            if not self._transport.is_closing() and self._unread:
                self._soon()
            return
        if 0 <= length == len(data) - end and length <= self._service.longest_request:
            self._start(head, Message(0, head.content, data[end:], None, head.readable))
            return
        if length > self._service.longest_request:
            raise self._too_large()
        streams = self._service.router.streams and (length == CHUNKED or length >= STREAM_FROM)
        if not streams:
            self._service.room(max(length, 0))
        self._head, self.since = head, self._service.now()
        if head.expects:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if length == CHUNKED:
            self._chunks = Chunks()
        if streams:
            self._stream = Stream(
                None if length == CHUNKED else length,
                self._transport.pause_reading,
                self._transport.resume_reading,
            )
            self._start(head, Message(0, head.content, b"", self._stream))
        if rest := data[end:]:
            self._read_body(head, rest)

    def _read_body(self, head: RequestHead, data: bytes) -> None:
        if self._chunks is not None:
            pieces, rest = self._chunks.feed(data)
            done = self._chunks.done
        else:
            left = head.length - self._size
            pieces, rest, done = [data[:left]], data[left:], len(data) >= left
        for piece in pieces:
            self._size += len(piece)
            if self._size > self._service.longest_request:
                raise self._too_large()
            if self._stream is not None:
                self._stream.feed(piece)
            else:
                self._parts.append(piece)
        if self._chunks is not None and self._stream is None:
            self._service.room(0)
        if not done:
            return
        self._unread = rest
        if self._stream is not None:
            self._stream.end()
            self._stream = None
        else:
            self._start(head, Message(0, head.content, b"".join(self._parts), readable=head.readable))

    def _too_large(self) -> ServeError:
        return ServeError(
            "request_too_large",
            f"the request's body is larger than {self._service.longest_request} bytes; see --max_request_bytes",
        )

    # Answering.

    def _start(self, head: RequestHead, message: Message) -> None:
        self._head = head
        service = self._service
        if service.router.graph.timeout is not None:
            self._task = service.loop.create_task(self._answer(head, message))
            return
        self._task = turn = Turn(self._answer(head, message), service.loop)
        if message.stream is None:
            turn.start()
        else:
            service.loop.call_soon(turn.start)  # what has arrived of the body comes first

    async def _answer(self, head: RequestHead, message: Message) -> None:
        service = self._service
        begun = perf_counter()
        call = Call(head)
        service.metrics.in_flight += 1
        status, code = 499, ""
        try:
            try:
                answer = await service.answer(call, message)
            except ServeError as error:
                answer = error_message(error)
            code = answer.code
            keep = head.keep_alive and not service.draining
            if message.stream is not None and not message.stream.whole:
                keep = False  # the rest would be read as a request
            if answer.stream is None:
                self._write(answer, keep, call.trace)
            else:
                keep = await self._pass_on(answer, answer.stream, keep, call.trace, head.old)
            status = answer.status
        except ConnectionError:
            keep = False
            self._transport.abort()
        except (
            Failure
        ) as failure:  # in the middle of an answer: only a broken connection says that it is not whole
            keep, status, code = False, 502, failure.code
            self._transport.abort()
        except Exception:
            keep, status, code = False, 500, "internal"
            service.log.exception("%s failed", head.path)
            self._write(error_message(ServeError("internal", "the router failed; its log says why")), False)
        finally:
            self._task = None
            service.left(head, call, status, code, perf_counter() - begun)
        self._begin()
        if keep and self._unread:
            self._soon()

    def _soon(self) -> None:
        """Go on with what has arrived since; not at once, or many small requests would be one deep call."""
        self._waiting = True
        self._service.loop.call_soon(self._next)

    def _next(self) -> None:
        self._waiting = False
        unread, self._unread = self._unread, b""
        if len(unread) > MOST_WAITING:
            self._transport.resume_reading()
        self.data_received(unread)

    def _write(
        self, answer: Message, keep: bool, trace: list[str] | None = None, bodiless: bool = False
    ) -> None:
        body = answer.body
        lines = self._lines(answer, keep, trace)
        if len(body) < STREAM_FROM and not bodiless:
            self._transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (lines, len(body), body))
        else:
            self._transport.write(b"%bcontent-length: %d\r\n\r\n" % (lines, len(body)))
            if not bodiless:
                self._transport.write(body)
        if not keep:
            self._transport.close()

    def _lines(self, answer: Message, keep: bool, trace: list[str] | None) -> bytes:
        status = STATUS_LINES.get(answer.status) or status_line(answer.status)
        if keep and trace is None:
            return status + answer.content
        end = b"" if keep else b"connection: close\r\n"
        if trace is not None:
            end += b"graph-trace: %b\r\n" % ", ".join(trace).encode("latin-1", "replace")
        return status + answer.content + end

    async def _pass_on(
        self, answer: Message, stream: Stream, keep: bool, trace: list[str] | None, old: bool
    ) -> bool:
        """Write a body while it arrives; whether the connection can go on."""
        chunked = stream.length is None and not old
        keep = keep and (chunked or stream.length is not None)
        if chunked:
            framing = b"transfer-encoding: chunked\r\n\r\n"
        else:
            framing = b"\r\n" if stream.length is None else b"content-length: %d\r\n\r\n" % stream.length
        self._transport.write(self._lines(answer, keep, trace) + framing)
        while (chunk := await stream.next()) is not None:
            self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
            if self._writable is not None:
                await self._service.loop.create_task(self._patience())
        if chunked:
            self._transport.write(b"0\r\n\r\n")
        if not keep:
            self._transport.close()
        return keep

    async def _patience(self) -> None:
        """Wait for a client that reads slowly, within the bound."""
        assert self._writable is not None
        try:
            async with asyncio.timeout(self._service.router.graph.write):
                await self._writable
        except TimeoutError:
            raise ConnectionAbortedError from None

    def _give_up(self, error: ServeError) -> None:
        """Answer what never became a request, and close: the rest of it is for nobody."""
        if self._stream is not None:
            self._stream.end(error)  # its task answers
            return
        self._service.refused(error)
        self._write(error_message(error), keep=False)


def status_line(status: int) -> bytes:
    """The first line of an answer, written once."""
    from http import HTTPStatus  # not for a start that answers 200

    phrase = HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else "-"
    return STATUS_LINES.setdefault(status, f"HTTP/1.1 {status} {phrase}\r\n".encode())
