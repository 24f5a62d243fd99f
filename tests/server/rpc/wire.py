"""HTTP/2 by hand, for what no gRPC client sends: h2 as the client, and bytes that not even h2 would write."""

import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

INFER = "/inference.GRPCInferenceService/ModelInfer"
LIVE = "/inference.GRPCInferenceService/ServerLive"
EMPTY = b"\0\0\0\0\0"  # a message without a field


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def framed(message: bytes, compressed: int = 0) -> bytes:
    return struct.pack(">BI", compressed, len(message)) + message


def headers(path: str, **more: str) -> list[tuple[str, str]]:
    """A call's headers; `te=""` leaves one out."""
    known = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "x",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    named = {name if name.startswith(":") else name.replace("_", "-"): value for name, value in more.items()}
    return [(name, value) for name, value in {**known, **named}.items() if value]


@dataclass
class Got:
    """What came back on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)
    reset: int | None = None
    ended: bool = False

    @property
    def status(self) -> int:
        return int({**self.headers, **self.trailers}["grpc-status"])

    @property
    def said(self) -> str:
        return unquote({**self.headers, **self.trailers}.get("grpc-message", ""))

    @property
    def message(self) -> bytes:
        assert self.data[:1] == b"\0"
        assert struct.unpack(">I", self.data[1:5]) == (len(self.data) - 5,)
        return self.data[5:]


class Wire:
    """One connection; `reads=False` leaves the windows as they are."""

    def __init__(self, connection: socket.socket, *, window: int = 65535, reads: bool = True) -> None:
        self.socket = connection
        self.reads = reads
        self.streams: dict[int, Got] = {}
        self.gone: list[tuple[int, int]] = []  # GOAWAYs: reason, last stream
        self.closed = False
        config = H2Configuration(
            client_side=True,
            header_encoding="utf-8",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = H2Connection(config)
        self.h2.local_settings = Settings(initial_values={SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def open(self, named: Sequence[tuple[str, str]], *, end: bool = False, flush: bool = True) -> int:
        number: int = self.h2.get_next_available_stream_id()
        self.h2.send_headers(number, named, end_stream=end)
        self.streams[number] = Got()
        if flush:
            self.flush()
        return number

    def send(self, number: int, data: bytes, *, end: bool = False, flush: bool = True) -> None:
        for position in range(0, max(len(data), 1), 16384):
            part = data[position : position + 16384]
            while self.h2.local_flow_control_window(number) < len(part):
                self.flush()
                self.receive()
            self.h2.send_data(number, part, end_stream=end and position + 16384 >= len(data))
        if flush:
            self.flush()

    def call(self, path: str, data: bytes, **more: str) -> Got:
        """One call, to its end."""
        number = self.open(headers(path, **more), flush=False)
        self.send(number, data, end=True)
        return self.result(number)

    def result(self, number: int) -> Got:
        got = self.streams[number]
        self.until(lambda: got.ended or got.reset is not None)
        return got

    def until(self, condition: Any, timeout: float = 30) -> None:
        end = time.monotonic() + timeout
        while not condition():
            assert not self.closed, f"the connection has ended: {self.gone}"
            assert time.monotonic() < end, "the condition was not met in time"
            self.receive()

    def ending(self) -> int:
        """Read to the end of the connection; the reason that the last GOAWAY gave."""
        while not self.closed:
            self.receive()
        return self.gone[-1][0]

    def receive(self) -> None:
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            self.closed = True
            return
        try:
            for event in self.h2.receive_data(data):
                self._take(event)
        except ProtocolError:  # h2 hears nothing after a GOAWAY; what it heard before was taken
            if not self.gone:
                raise
        if not self.gone:
            self.flush()

    def _take(self, event: Any) -> None:
        if isinstance(event, ConnectionTerminated):
            self.gone.append((int(event.error_code), event.last_stream_id))
            return
        got = self.streams.get(getattr(event, "stream_id", None) or 0)
        if got is None or isinstance(event, RequestReceived):
            return
        if isinstance(event, ResponseReceived):
            got.headers = dict(event.headers)
        elif isinstance(event, DataReceived):
            got.data += event.data
            if self.reads:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, TrailersReceived):
            got.trailers = dict(event.headers)
        elif isinstance(event, StreamReset):
            got.reset = int(event.error_code)
        elif isinstance(event, StreamEnded):
            got.ended = True


@contextmanager
def wire(port: int, **more: Any) -> Iterator[Wire]:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        yield Wire(connection, **more)


def raw(port: int, *parts: bytes) -> tuple[int, bytes]:
    """Send bytes as they are; the reason of the GOAWAY that ends the connection, and all that came."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        received = b""
        try:
            for part in parts:
                connection.sendall(part)
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionError:
            pass
    position, reason = 0, -1
    while position + 9 <= len(received):
        length = int.from_bytes(received[position : position + 3], "big")
        if received[position + 3] == 7:
            reason = int.from_bytes(received[position + 13 : position + 17], "big")
        position += 9 + length
    return reason, received
