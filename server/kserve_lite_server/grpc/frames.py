"""HTTP/2's frames, the server's side (RFC 9113): bytes in, events out, and back; no socket and no gRPC in it.

Why it is ours: docs/decisions/0026. Judged by h2spec and by h2 and grpcio as clients.
"""

import struct
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from kserve_lite_server.grpc.blocks import NO_TABLE, Headers
from kserve_lite_server.grpc.faults import Fault, Reason
from kserve_lite_server.grpc.fields import Fields, Malformed

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = struct.Struct(">IBI")  # length and type, flags, stream
LENGTH = 9
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
END_STREAM, END_HEADERS, PADDED, HAS_PRIORITY, ACK = 0x1, 0x4, 0x8, 0x20, 0x1
TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME, MAX_HEADERS = range(1, 7)
FIRST_WINDOW, SMALLEST_MAX_FRAME, LARGEST_MAX_FRAME = 65535, 16384, 2**24 - 1
LARGEST_WINDOW = 2**31 - 1
LAST_STREAM = 2**31 - 1
CONTINUATIONS = 64  # of one block
DEAF = 1000  # streams that were reset here, whose last frames are still under way


class Listener(Protocol[T_contra]):
    """Who is told what the client does. May raise `Fault`."""

    def opened(self, number: int, request: T_contra, ended: bool) -> None:
        """A stream begins; `ended`: it has no data."""

    def data(self, number: int, data: bytes, length: int, ended: bool) -> None:
        """`length` bytes of the windows brought this data."""

    def finished(self, number: int) -> None:
        """A stream ends after its data."""

    def reset(self, number: int) -> None:
        """A stream is over, wherever it was."""

    def room(self) -> None:
        """More can be sent than before."""

    def leaving(self, reason: int) -> None:
        """The client opens no more streams."""

    def idle(self) -> None:
        """A frame came that brings nothing."""


class Flow:
    """A stream's windows, and what its ends have said."""

    __slots__ = ("expected", "heard", "quota", "room")

    def __init__(self, room: int, quota: int, expected: int | None) -> None:
        self.room = room  # bytes that may be sent
        self.quota = quota  # bytes that the client may send
        self.expected = expected  # bytes that the client announced and has not sent
        self.heard = False  # the client has sent everything


class Frames(Generic[T]):
    """One connection's frames."""

    def __init__(
        self,
        listener: Listener[T],
        read: Callable[[Headers], T],
        expected: Callable[[T], int | None],
        *,
        streams: int,
        window: int,
        stream_window: int,
        max_frame: int,
        max_headers: int,
    ) -> None:
        """`read` says what a request's headers mean, `expected` how many bytes it announces."""
        self._listener = listener
        self._expected = expected
        self._fields: Fields[T] = Fields(4 * max_headers, read)
        self._streams: dict[int, Flow] = {}
        self._most = streams
        self._largest_block = 4 * max_headers + SMALLEST_MAX_FRAME
        self._quota, self._stream_quota = window, stream_window
        self._max_frame = max_frame
        self._rest = b""
        self._greeted = 0  # bytes of the preface that came
        self._began = False  # the client's settings have come
        self._block: list[bytes] | None = None
        self._block_of = (0, False)
        self._deaf: dict[int, None] = {}
        self._first_room = FIRST_WINDOW
        self._room = FIRST_WINDOW
        self._largest_sent = SMALLEST_MAX_FRAME
        self._no_table = NO_TABLE
        self.highest = 0
        settings = (
            (MAX_STREAMS, streams),
            (INITIAL_WINDOW, stream_window),
            (MAX_FRAME, max_frame),
            (MAX_HEADERS, max_headers),
        )
        self._out = [_frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in settings))]
        self._out.append(_frame(WINDOW_UPDATE, 0, 0, (window - FIRST_WINDOW).to_bytes(4, "big")))

    # What comes.

    def feed(self, data: bytes) -> None:
        """Read what came. Raises `Fault`."""
        if self._greeted < len(PREFACE):
            data = self._greet(data)
        if self._rest:
            data = self._rest + data
        position, end = 0, len(data)
        while end - position >= LENGTH:
            first, flags, number = HEAD.unpack_from(data, position)
            length, kind = first >> 8, first & 0xFF
            if length > self._max_frame:
                raise Fault(Reason.FRAME_SIZE_ERROR, f"a frame of {length} bytes")
            stop = position + LENGTH + length
            if stop > end:
                break
            payload = data[position + LENGTH : stop]
            position = stop
            if self._block is not None and kind != CONTINUATION:
                raise Fault(Reason.PROTOCOL_ERROR, "a frame between those of a header block")
            if not self._began and kind != SETTINGS:
                raise Fault(Reason.PROTOCOL_ERROR, "the first frame is not SETTINGS")
            if kind < len(READERS):
                READERS[kind](self, number & LAST_STREAM, flags, payload)
            else:
                self._listener.idle()
        self._rest = data[position:] if position else data

    def _greet(self, data: bytes) -> bytes:
        wanted = PREFACE[self._greeted :]
        if not data.startswith(wanted[: len(data)]):
            raise Fault(Reason.PROTOCOL_ERROR, "no HTTP/2")
        self._greeted += min(len(data), len(wanted))
        return data[len(wanted) :]

    def _data(self, number: int, flags: int, payload: bytes) -> None:
        length, flow = len(payload), self._streams.get(number)
        self._quota -= length
        if self._quota < 0:
            raise Fault(Reason.FLOW_CONTROL_ERROR, "more data than the connection's window")
        if flags & PADDED:
            payload = _unpadded(payload)
        if flow is None or flow.heard:
            self._closed(number)
            self.allow(0, length)
            return
        flow.quota -= length
        if flow.quota < 0:
            self._give_up(number, Reason.FLOW_CONTROL_ERROR)
            self.allow(0, length)
            return
        ended = bool(flags & END_STREAM)
        if flow.expected is not None:
            flow.expected -= len(payload)
            if flow.expected < 0 or (ended and flow.expected):
                self._give_up(number, Reason.PROTOCOL_ERROR)
                self.allow(0, length)
                return
        flow.heard = ended
        self._listener.data(number, payload, length, ended)

    def _headers(self, number: int, flags: int, payload: bytes) -> None:
        if not number & 1:
            raise Fault(Reason.PROTOCOL_ERROR, "a client's streams have odd numbers")
        if flags & PADDED:
            payload = _unpadded(payload)
        if flags & HAS_PRIORITY:
            _depends(number, payload)
            payload = payload[5:]
        ended = bool(flags & END_STREAM)
        if flags & END_HEADERS:
            self._whole(number, ended, payload)
        else:
            self._block, self._block_of = [payload], (number, ended)

    def _continuation(self, number: int, flags: int, payload: bytes) -> None:
        if self._block is None or number != self._block_of[0]:
            raise Fault(Reason.PROTOCOL_ERROR, "CONTINUATION of nothing")
        self._block.append(payload)
        if len(self._block) > CONTINUATIONS or sum(map(len, self._block)) > self._largest_block:
            raise Fault(Reason.ENHANCE_YOUR_CALM, "the header block does not end")
        if flags & END_HEADERS:
            block, self._block = b"".join(self._block), None
            self._whole(number, self._block_of[1], block)

    def _whole(self, number: int, ended: bool, block: bytes) -> None:
        if number <= self.highest:
            self._trailers(number, ended, block)
            return
        self.highest = number
        try:
            request = self._fields.request(block)
        except Malformed:
            self._refuse(number, Reason.PROTOCOL_ERROR)
            return
        expected = self._expected(request)
        if ended and expected:
            self._refuse(number, Reason.PROTOCOL_ERROR)
        elif len(self._streams) >= self._most:
            self._refuse(number, Reason.REFUSED_STREAM)
        else:
            flow = self._streams[number] = Flow(self._first_room, self._stream_quota, expected)
            flow.heard = ended
            self._listener.opened(number, request, ended)

    def _trailers(self, number: int, ended: bool, block: bytes) -> None:
        flow = self._streams.get(number)
        try:
            self._fields.trailers(block)
            wrong = not ended or (flow is not None and bool(flow.expected))
        except Malformed:
            wrong = True
        if (flow is None and number not in self._deaf) or (flow is not None and flow.heard):
            raise Fault(Reason.STREAM_CLOSED, "HEADERS on a stream that has ended")
        if wrong:
            self._give_up(number, Reason.PROTOCOL_ERROR)
        if wrong or flow is None:
            return
        flow.heard = True
        self._listener.finished(number)

    def _priority(self, number: int, flags: int, payload: bytes) -> None:
        if len(payload) != 5:
            raise Fault(Reason.FRAME_SIZE_ERROR, "PRIORITY has five bytes")
        _depends(number, payload)
        self._listener.idle()

    def _rst_stream(self, number: int, flags: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise Fault(Reason.FRAME_SIZE_ERROR, "RST_STREAM has four bytes")
        if not 0 < number <= self.highest:
            raise Fault(Reason.PROTOCOL_ERROR, "RST_STREAM of nothing")
        self._listener.idle()
        self._deaf.pop(number, None)
        if self._streams.pop(number, None):
            self._listener.reset(number)

    def _settings(self, number: int, flags: int, payload: bytes) -> None:
        if number:
            raise Fault(Reason.PROTOCOL_ERROR, "SETTINGS of a stream")
        if len(payload) % 6 or (flags & ACK and payload):
            raise Fault(Reason.FRAME_SIZE_ERROR, "SETTINGS of this size")
        if flags & ACK:
            if not self._began:
                raise Fault(Reason.PROTOCOL_ERROR, "the first SETTINGS acknowledge nothing")
            return
        self._began = True
        for key, value in struct.iter_unpack(">HI", payload):
            self._setting(key, value)
        self._out.append(_frame(SETTINGS, ACK, 0, b""))
        self._listener.idle()
        self._listener.room()

    def _setting(self, key: int, value: int) -> None:
        if key == ENABLE_PUSH and value > 1:
            raise Fault(Reason.PROTOCOL_ERROR, "ENABLE_PUSH is 0 or 1")
        if key == INITIAL_WINDOW:
            if value > LARGEST_WINDOW:
                raise Fault(Reason.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too large")
            more, self._first_room = value - self._first_room, value
            for flow in self._streams.values():
                flow.room += more
                if flow.room > LARGEST_WINDOW:
                    raise Fault(Reason.FLOW_CONTROL_ERROR, "a stream's window is too large")
        if key == MAX_FRAME:
            if not SMALLEST_MAX_FRAME <= value <= LARGEST_MAX_FRAME:
                raise Fault(Reason.PROTOCOL_ERROR, "MAX_FRAME_SIZE out of bounds")
            self._largest_sent = value

    def _push_promise(self, number: int, flags: int, payload: bytes) -> None:
        raise Fault(Reason.PROTOCOL_ERROR, "a client promises nothing")

    def _ping(self, number: int, flags: int, payload: bytes) -> None:
        if number:
            raise Fault(Reason.PROTOCOL_ERROR, "PING of a stream")
        if len(payload) != 8:
            raise Fault(Reason.FRAME_SIZE_ERROR, "PING has eight bytes")
        if not flags & ACK:
            self._out.append(_frame(PING, ACK, 0, payload))
            self._listener.idle()

    def _goaway(self, number: int, flags: int, payload: bytes) -> None:
        if number:
            raise Fault(Reason.PROTOCOL_ERROR, "GOAWAY of a stream")
        if len(payload) < 8:
            raise Fault(Reason.FRAME_SIZE_ERROR, "GOAWAY has eight bytes")
        self._listener.leaving(int.from_bytes(payload[4:8], "big"))

    def _window_update(self, number: int, flags: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise Fault(Reason.FRAME_SIZE_ERROR, "WINDOW_UPDATE has four bytes")
        more = int.from_bytes(payload, "big") & LARGEST_WINDOW
        if not more:
            raise Fault(Reason.PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
        if not number:
            self._room += more
            if self._room > LARGEST_WINDOW:
                raise Fault(Reason.FLOW_CONTROL_ERROR, "the connection's window is too large")
        elif number > self.highest:
            raise Fault(Reason.PROTOCOL_ERROR, "WINDOW_UPDATE of nothing")
        elif flow := self._streams.get(number):
            flow.room += more
            if flow.room > LARGEST_WINDOW:
                self._give_up(number, Reason.FLOW_CONTROL_ERROR)
        self._listener.room()

    def _closed(self, number: int) -> None:
        """Data came for a stream that takes none."""
        if not 0 < number <= self.highest:
            raise Fault(Reason.PROTOCOL_ERROR, "DATA of nothing")
        self._listener.idle()
        if number in self._streams:
            self._give_up(number, Reason.STREAM_CLOSED)
        elif number not in self._deaf:
            self._refuse(number, Reason.STREAM_CLOSED)

    def _refuse(self, number: int, reason: Reason) -> None:
        self._listener.idle()
        self.reset(number, reason)

    def _give_up(self, number: int, reason: Reason) -> None:
        self.reset(number, reason)
        self._listener.reset(number)

    # What goes.

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

    def send(self, number: int, data: bytes) -> None:
        """Send data for which there is room."""
        flow = self._streams[number]
        flow.room -= len(data)
        self._room -= len(data)
        for position in range(0, len(data), self._largest_sent):
            self._out.append(_frame(DATA, 0, number, data[position : position + self._largest_sent]))

    def end(self, number: int, block: bytes) -> None:
        """Send the last headers; the stream is over, and a client that still sends is not heard."""
        self._send_block(number, END_STREAM, block)
        if not self._streams.pop(number).heard:
            self.reset(number, Reason.NO_ERROR)

    def reset(self, number: int, reason: Reason) -> None:
        """End a stream at once; what comes for it after this is nobody's fault."""
        self._out.append(_frame(RST_STREAM, 0, number, reason.to_bytes(4, "big")))
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
            self._out.append(_frame(WINDOW_UPDATE, 0, number, more.to_bytes(4, "big")))

    def ping(self) -> None:
        """Ask whether the client is still there."""
        self._out.append(_frame(PING, 0, 0, b"are you?"))

    def goaway(self, reason: Reason, *, last: int | None = None) -> None:
        """Take no streams after `last`, by default those that came."""
        last = self.highest if last is None else last
        self._out.append(_frame(GOAWAY, 0, 0, struct.pack(">II", last, reason)))

    def _send_block(self, number: int, flags: int, block: bytes) -> None:
        if self._no_table:
            block, self._no_table = self._no_table + block, b""
        if len(block) <= self._largest_sent:
            self._out.append(_frame(HEADERS, flags | END_HEADERS, number, block))
            return
        parts = [block[at : at + self._largest_sent] for at in range(0, len(block), self._largest_sent)]
        self._out.append(_frame(HEADERS, flags, number, parts[0]))
        for part in parts[1:-1]:
            self._out.append(_frame(CONTINUATION, 0, number, part))
        self._out.append(_frame(CONTINUATION, END_HEADERS, number, parts[-1]))


Reader = Callable[["Frames[T]", int, int, bytes], None]
READERS: list[Reader] = [  # type: ignore[type-arg]
    Frames._data,
    Frames._headers,
    Frames._priority,
    Frames._rst_stream,
    Frames._settings,
    Frames._push_promise,
    Frames._ping,
    Frames._goaway,
    Frames._window_update,
    Frames._continuation,
]


def _frame(kind: int, flags: int, number: int, payload: bytes) -> bytes:
    return HEAD.pack(len(payload) << 8 | kind, flags, number) + payload


def _unpadded(payload: bytes) -> bytes:
    if not payload or payload[0] >= len(payload):
        raise Fault(Reason.PROTOCOL_ERROR, "more padding than frame")
    return payload[1 : len(payload) - payload[0]]


def _depends(number: int, payload: bytes) -> None:
    if len(payload) < 5:
        raise Fault(Reason.FRAME_SIZE_ERROR, "a priority has five bytes")
    if not number or int.from_bytes(payload[:4], "big") & LAST_STREAM == number:
        raise Fault(Reason.PROTOCOL_ERROR, "a stream depends on itself")
