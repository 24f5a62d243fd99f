"""HTTP/2's frames, the server's side (RFC 9113): bytes in, events out, and back; no socket and no gRPC in it.

Why it is ours: docs/decisions/0026. Judged by h2spec and by h2 and grpcio as clients.
"""

import struct
from collections.abc import Callable
from typing import Generic, TypeVar

from kserve_lite_server.grpc.blocks import Headers
from kserve_lite_server.grpc.faults import Fault, Reason
from kserve_lite_server.grpc.fields import Fields, Malformed
from kserve_lite_server.grpc.layout import (
    ACK,
    CONTINUATION,
    ENABLE_PUSH,
    END_HEADERS,
    END_STREAM,
    HAS_PRIORITY,
    HEAD,
    INITIAL_WINDOW,
    LARGEST_MAX_FRAME,
    LARGEST_WINDOW,
    LAST_STREAM,
    LENGTH,
    MAX_FRAME,
    PADDED,
    PING,
    PREFACE,
    SETTINGS,
    SMALLEST_MAX_FRAME,
    frame,
)
from kserve_lite_server.grpc.listener import Listener
from kserve_lite_server.grpc.outgoing import Flow, Limits, Outgoing

T = TypeVar("T")

CONTINUATIONS = 64  # of one block


class Frames(Outgoing, Generic[T]):
    """One connection's frames, both ways."""

    def __init__(
        self,
        listener: Listener[T],
        read: Callable[[Headers], T],
        expected: Callable[[T], int | None],
        limits: Limits,
    ) -> None:
        """`read` says what a request's headers mean, `expected` how many bytes it announces."""
        super().__init__(limits)
        self._listener = listener
        self._expected = expected
        self._fields: Fields[T] = Fields(4 * limits.max_headers, read)
        self._largest_block = 4 * limits.max_headers + SMALLEST_MAX_FRAME
        self._rest = b""
        self._greeted = 0  # bytes of the preface that came
        self._began = False  # the client's settings have come
        self._block: list[bytes] | None = None
        self._block_of = (0, False)

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
            if length > self._limits.max_frame:
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
        elif len(self._streams) >= self._limits.streams:
            self._refuse(number, Reason.REFUSED_STREAM)
        else:
            flow = self._streams[number] = Flow(self._first_room, self._limits.stream_window, expected)
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
        self._out.append(frame(SETTINGS, ACK, 0, b""))
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
            self._out.append(frame(PING, ACK, 0, payload))
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


def _unpadded(payload: bytes) -> bytes:
    if not payload or payload[0] >= len(payload):
        raise Fault(Reason.PROTOCOL_ERROR, "more padding than frame")
    return payload[1 : len(payload) - payload[0]]


def _depends(number: int, payload: bytes) -> None:
    if len(payload) < 5:
        raise Fault(Reason.FRAME_SIZE_ERROR, "a priority has five bytes")
    if not number or int.from_bytes(payload[:4], "big") & LAST_STREAM == number:
        raise Fault(Reason.PROTOCOL_ERROR, "a stream depends on itself")
