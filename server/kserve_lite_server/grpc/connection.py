"""One client's connection: calls are made of its streams, and what they may cost is bounded."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from kserve_lite_server.errors import ServeError
from kserve_lite_server.grpc.blocks import Headers
from kserve_lite_server.grpc.faults import Fault, Reason
from kserve_lite_server.grpc.frames import Frames
from kserve_lite_server.grpc.head import Head, Refused, read_head
from kserve_lite_server.grpc.layout import LAST_STREAM
from kserve_lite_server.grpc.outgoing import Limits
from kserve_lite_server.grpc.patience import Patience
from kserve_lite_server.grpc.stream import Stream

if TYPE_CHECKING:
    from kserve_lite_server.grpc.door import Door

log = logging.getLogger(__name__)

STREAMS = 1000  # calls under way on one connection
STREAM_WINDOW = 4 << 20  # bytes that a client may send on a call before it hears of more room
WINDOW = 16 << 20  # the same for all calls of a connection
LARGEST_FRAME = 64 << 10
WRITTEN_AT_ONCE = 256 << 10  # bytes that are collected before the transport has them
# Answers that a client does not read: beyond this no new call of the connection begins.
HELD = 4 << 20
# Large messages that are being answered: beyond this the next waits for its turn; small ones do not count.
WORKING, SMALL = 8 << 20, 64 << 10
# For a client to leave by itself, after it was told to and before it is left.
LAST_SECONDS = 0.5


class Connection(asyncio.Protocol):
    """Serves one client."""

    def __init__(self, door: Door) -> None:
        self._door = door
        settings = door.settings
        self._frames: Frames[Head | Refused] = Frames(
            self,
            self._read,
            lambda request: request.length,
            Limits(
                streams=STREAMS,
                window=WINDOW,
                stream_window=STREAM_WINDOW,
                max_frame=LARGEST_FRAME,
                max_headers=settings.max_header_bytes,
            ),
        )
        self._largest = settings.grpc_max_receive_message_length
        self._streams: dict[int, Stream] = {}
        self._blocked: dict[int, Stream] = {}  # have more to send than the client has room for
        self._waiting: list[Stream] = []  # complete calls that begin when the client has read more
        self._fresh: list[Stream] = []  # came with what is being read
        self._owed = 0  # bytes that came and were not acknowledged, of all streams
        self._paused = False  # the transport is full
        self._leaving = False  # no more calls are expected
        self._closing = False  # no more calls are taken
        self._heard = True  # since the last tick
        self._asked = False  # whether the client is still there
        self._patience = Patience()
        self._working = 0  # bytes of large messages that are being answered
        self.held = 0  # bytes of answers that wait
        self.lost = False

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what this end allows."""
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._door.connections.add(self)
        self._rest = self._door.settings.keep_alive_timeout
        self._timer = self._loop.call_later(self._rest, self._tick)
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Let the calls have what the client sent, and write what they say to it at once."""
        self._heard, self._asked = True, False
        try:
            self._frames.feed(data)
        except Fault as fault:
            self._break(fault)
            return
        for stream in self._fresh:
            if not (stream.heard or stream.ended):
                self._expect(stream)
        self._fresh.clear()
        if self._owed >= WINDOW // 4:
            self._acknowledge()
        self.flush()

    def pause_writing(self) -> None:
        """The client reads slowly: hear no more of it until it has."""
        self._paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has read."""
        self._paused = False
        self._transport.resume_reading()
        self.room()
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone, and waits for none of its calls."""
        self.lost = True
        self._timer.cancel()
        self._drop()
        self._door.forget(self)

    # What the frames tell.

    def opened(self, number: int, request: Head | Refused, ended: bool) -> None:
        """A call begins."""
        if self._closing:  # the client has been told how far it is listened to, and asks elsewhere
            self._frames.reset(number, Reason.REFUSED_STREAM)
            return
        if isinstance(request, Refused):
            self.idle()
            self._frames.end(number, request.block)
            return
        stream = Stream(self, number, request, self._door.methods[request.path], self._largest)
        self._streams[number] = stream
        self._fresh.append(stream)
        if ended:
            self.finished(number)

    def data(self, number: int, data: bytes, length: int, ended: bool) -> None:
        """A call's client sends."""
        self._owed += length
        stream = self._streams[number]
        stream.size += length
        if data:
            if not stream.ended:
                stream.receive(data)
        elif not ended:
            self.idle()
        if ended:
            self.finished(number)
        else:
            stream.owed += length
            if stream.owed >= STREAM_WINDOW // 4 and self._takes:
                self._frames.allow(number, stream.owed)
                stream.owed = 0

    def finished(self, number: int) -> None:
        """A call's client has sent everything."""
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.heard = True
        if stream.timer is not None:
            stream.timer.cancel()
        if stream.ended:
            return
        if self._may_begin(stream):
            self._begin(stream)
        else:
            self._waiting.append(stream)

    def reset(self, number: int) -> None:
        """A call's client waits no more."""
        stream = self._streams.pop(number, None)
        if stream is not None:
            self._forget(stream)
            stream.dropped()
            if self._waiting:
                self._loop.call_soon(self._again)

    def room(self) -> None:
        """Send what waits, and begin calls that waited for that."""
        blocked, self._blocked = self._blocked, {}
        for stream in blocked.values():
            stream.push()
        while self._waiting and self._may_begin(self._waiting[0]):
            stream = self._waiting.pop(0)
            if not stream.ended:
                self._begin(stream)
        if self._owed >= WINDOW // 4:
            self._acknowledge()

    def leaving(self, reason: int) -> None:
        """The client makes no more calls; those under way it still wants, if nothing is wrong."""
        self._leaving = True
        if reason != Reason.NO_ERROR or not self._streams:
            self._loop.call_soon(self.close)

    def idle(self) -> None:
        """Count a frame that brings nothing. Raises `Fault` when they are too many."""
        self._patience.spend()

    # What the calls say.

    def flush(self) -> None:
        """Give the transport what was collected."""
        if self._frames.filled:
            data = self._frames.take()
            if not self.lost:
                self._transport.write(data)

    def begin(self, stream: Stream, block: bytes) -> None:
        """Send the first headers of an answer."""
        if not self.lost:
            self._frames.begin(stream.number, block)

    def send(self, stream: Stream, data: bytes | memoryview) -> int:
        """Send what the client has room for; how much that was."""
        frames, number, length, position = self._frames, stream.number, len(data), 0
        while position < length and not self._paused:
            room = min(frames.room(number), WRITTEN_AT_ONCE)
            if room <= 0:
                break
            part = data if length <= room else data[position : position + room]
            frames.send(number, part)
            position += len(part)
            if len(part) == WRITTEN_AT_ONCE:
                self.flush()
        return position

    def finish(self, stream: Stream, block: bytes) -> None:
        """Send the last headers of an answer; a client that still sends is told that nobody listens."""
        if self._streams.pop(stream.number, None) is None:
            return
        self._forget(stream)
        self._frames.end(stream.number, block)
        self._patience.earn()
        if self._leaving and not self._streams:
            self._loop.call_soon(self.close)

    def over(self, stream: Stream) -> None:
        """A call has its answer; another may begin."""
        stream.ended = True
        if stream.begun and stream.size > SMALL:
            self._working -= stream.size
            if self._waiting or self._owed >= WINDOW // 4:
                self._loop.call_soon(self._again)
        stream.begun = False

    def wait(self, stream: Stream) -> None:
        """Go on with this stream when there is room."""
        self._blocked[stream.number] = stream

    # What the door says.

    def warn(self) -> None:
        """Tell the client to make its next calls on another connection."""
        if not (self._leaving or self.lost):
            self._leaving = True
            self._frames.goaway(Reason.NO_ERROR, last=LAST_STREAM)
            self.flush()

    def close(self) -> None:
        """Take no more calls. A client that does not leave by itself after that is left soon."""
        if self.lost or self._closing:
            return
        self._closing = True
        self._frames.goaway(Reason.NO_ERROR)
        self.flush()
        self._loop.call_later(LAST_SECONDS, self._transport.close)

    def abort(self) -> None:
        """End now, whatever is under way."""
        if not self.lost:
            self._transport.abort()

    def end_streams(self, error: ServeError) -> None:
        """End the calls that would not end by themselves."""
        for stream in list(self._streams.values()):
            stream.refuse(error)
        self.flush()

    # Its own.

    def _read(self, headers: Headers) -> Head | Refused:
        return read_head(headers, self._door.methods, self._door.settings.max_header_bytes)

    @property
    def _takes(self) -> bool:
        """Whether a client may send more: not while it leaves answers unread, or enough of it is being answered."""
        return self.held < HELD and self._working < WORKING

    def _may_begin(self, stream: Stream) -> bool:
        if stream.size <= SMALL:
            return self.held < HELD
        return self._takes

    def _begin(self, stream: Stream) -> None:
        stream.begun = True
        if stream.size > SMALL:
            self._working += stream.size
        stream.finish()

    def _again(self) -> None:
        self.room()
        self.flush()

    def _acknowledge(self) -> None:
        """Give the client room for as many bytes as it has sent."""
        if not self._takes:
            return
        for number, stream in self._streams.items():
            if stream.owed and not stream.heard:
                self._frames.allow(number, stream.owed)
                stream.owed = 0
        self._frames.allow(0, self._owed)
        self._owed = 0

    def _expect(self, stream: Stream) -> None:
        """Bound the time in which the client sends a call."""
        if (limit := stream.call.patience) is not None:
            left = stream.remaining()
            seconds = limit if left is None else min(limit, left)
            stream.timer = self._loop.call_later(seconds, self._too_slow, stream)

    def _too_slow(self, stream: Stream) -> None:
        stream.refuse(ServeError("request_too_slow", "the call's message did not arrive in time"))
        self.flush()

    def _forget(self, stream: Stream) -> None:
        self._blocked.pop(stream.number, None)
        if stream.timer is not None:
            stream.timer.cancel()

    def _drop(self) -> None:
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            self._forget(stream)
            stream.dropped()

    def _break(self, fault: Fault) -> None:
        """End a connection whose client does not keep to the protocol."""
        log.debug("a gRPC connection ends: %s", fault)
        self._drop()
        self._frames.goaway(fault.reason)
        self.flush()
        self._transport.close()

    def _tick(self) -> None:
        """End what is idle or half open."""
        self._timer = self._loop.call_later(self._rest, self._tick)
        if self._transport.is_closing():
            self.abort()
        elif not self._heard and not self._streams:
            self.close()
        elif not self._heard and self._asked:
            self.abort()
        elif not self._heard:
            self._asked = True
            self._frames.ping()
            self.flush()
        self._heard = False
