"""HTTP/2's frames to a client, and the windows that say how much may be sent."""

import struct
from dataclasses import dataclass

from kserve_lite_server.grpc.blocks import NO_TABLE
from kserve_lite_server.grpc.faults import Reason
from kserve_lite_server.grpc.layout import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FIRST_WINDOW,
    GOAWAY,
    HEADERS,
    INITIAL_WINDOW,
    MAX_FRAME,
    MAX_HEADERS,
    MAX_STREAMS,
    PING,
    RST_STREAM,
    SETTINGS,
    SMALLEST_MAX_FRAME,
    WINDOW_UPDATE,
    frame,
)

DEAF = 1000  # streams that were reset here, whose last frames are still under way


class Flow:
    """A stream's windows, and what its ends have said."""

    __slots__ = ("expected", "heard", "quota", "room")

    def __init__(self, room: int, quota: int, expected: int | None) -> None:
        self.room = room  # bytes that may be sent
        self.quota = quota  # bytes that the client may send
        self.expected = expected  # bytes that the client announced and has not sent
        self.heard = False  # the client has sent everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What this end allows a client."""

    streams: int
    window: int
    stream_window: int
    max_frame: int
    max_headers: int


class Outgoing:
    """What is sent on one connection."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._streams: dict[int, Flow] = {}
        self._deaf: dict[int, None] = {}
        self._quota = limits.window
        self._first_room = self._room = FIRST_WINDOW
        self._largest_sent = SMALLEST_MAX_FRAME
        self._no_table = NO_TABLE
        self.highest = 0  # stream that the client opened
        settings = (
            (MAX_STREAMS, limits.streams),
            (INITIAL_WINDOW, limits.stream_window),
            (MAX_FRAME, limits.max_frame),
            (MAX_HEADERS, limits.max_headers),
        )
        self._out = [frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in settings))]
        self._out.append(frame(WINDOW_UPDATE, 0, 0, (limits.window - FIRST_WINDOW).to_bytes(4, "big")))

    def take(self) -> bytes:
        """What is to be sent now."""
        out, self._out = self._out, []
        return b"".join(out)

    @property
    def filled(self) -> bool:
        """Whether there is something to be sent."""
        return bool(self._out)

    def room(self, number: int) -> int:
        """How many bytes of data the client takes of a stream now."""
        flow = self._streams.get(number)
        return 0 if flow is None else min(self._room, flow.room)

    def begin(self, number: int, block: bytes) -> None:
        """Send headers, as `fields.written` has them."""
        self._send_block(number, 0, block)

    def send(self, number: int, data: bytes | memoryview) -> None:
        """Send data for which there is room."""
        flow = self._streams[number]
        flow.room -= len(data)
        self._room -= len(data)
        for position in range(0, len(data), self._largest_sent):
            self._out.append(frame(DATA, 0, number, data[position : position + self._largest_sent]))

    def end(self, number: int, block: bytes) -> None:
        """Send the last headers; the stream is over, and a client that still sends is not heard."""
        self._send_block(number, END_STREAM, block)
        if not self._streams.pop(number).heard:
            self.reset(number, Reason.NO_ERROR)

    def reset(self, number: int, reason: Reason) -> None:
        """End a stream at once; what comes for it after this is nobody's fault."""
        self._out.append(frame(RST_STREAM, 0, number, reason.to_bytes(4, "big")))
        self._streams.pop(number, None)
        if len(self._deaf) >= DEAF:
            del self._deaf[next(iter(self._deaf))]
        self._deaf[number] = None

    def allow(self, number: int, more: int) -> None:
        """Let the client send more on a stream, or (0) on the connection."""
        if number and (flow := self._streams.get(number)):
            flow.quota += more
        elif number:
            return
        else:
            self._quota += more
        if more:
            self._out.append(frame(WINDOW_UPDATE, 0, number, more.to_bytes(4, "big")))

    def ping(self) -> None:
        """Ask whether the client is still there."""
        self._out.append(frame(PING, 0, 0, b"are you?"))

    def goaway(self, reason: Reason, *, last: int | None = None) -> None:
        """Take no streams after `last`, by default those that came."""
        last = self.highest if last is None else last
        self._out.append(frame(GOAWAY, 0, 0, struct.pack(">II", last, reason)))

    def _send_block(self, number: int, flags: int, block: bytes) -> None:
        if self._no_table:
            block, self._no_table = self._no_table + block, b""
        if len(block) <= self._largest_sent:
            self._out.append(frame(HEADERS, flags | END_HEADERS, number, block))
            return
        parts = [block[at : at + self._largest_sent] for at in range(0, len(block), self._largest_sent)]
        self._out.append(frame(HEADERS, flags, number, parts[0]))
        for part in parts[1:-1]:
            self._out.append(frame(CONTINUATION, 0, number, part))
        self._out.append(frame(CONTINUATION, END_HEADERS, number, parts[-1]))
