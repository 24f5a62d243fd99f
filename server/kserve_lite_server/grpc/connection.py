"""One client's connection: h2 reads and writes the frames, this moves them and bounds what they may cost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, cast

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection, H2ConnectionStateMachine
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingReceived,
    PriorityUpdated,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    UnknownFrameReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from kserve_lite_server.errors import ServeError
from kserve_lite_server.grpc.head import NotGrpc, read_head
from kserve_lite_server.grpc.incoming import ACCEPTED, FORMATS
from kserve_lite_server.grpc.status import Code, Headers, refusal, trailers
from kserve_lite_server.grpc.stream import BEGIN, Stream

if TYPE_CHECKING:
    from kserve_lite_server.grpc.door import Door

log = logging.getLogger(__name__)

CONFIG = H2Configuration(client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False)
STREAMS = 1000  # calls under way on one connection
STREAM_WINDOW = 4 << 20  # bytes that a client may send on a call before it hears of more room
WINDOW = 16 << 20  # the same for all calls of a connection
LARGEST_FRAME = 64 << 10
WRITTEN_AT_ONCE = 256 << 10  # bytes of frames that are collected before the transport has them
# Answers that a client does not read: beyond this no new call of the connection begins.
HELD = 4 << 20
# Frames that bring nothing (resets, pings, settings, empty data): so many at once, and so many a second.
IDLE_FRAMES, IDLE_FRAMES_A_SECOND = 1000, 100
# For a client to leave by itself, after it was told to and before it is left.
LAST_SECONDS = 0.5
LAST = 2**31 - 1  # in a GOAWAY: no stream is too late yet
RECEIVED_UNTIL_TOLD = 32 << 10  # bytes of ended streams until the client hears that there is room again


class StateMachine(H2ConnectionStateMachine):
    """h2's, but a client that takes its leave still gets the answers that it waits for."""

    def process_input(self, input_: ConnectionInputs) -> list[Event]:
        """Change the state by what is sent or received. Raises `ProtocolError`."""
        if input_ is ConnectionInputs.RECV_GOAWAY and self.state is ConnectionState.SERVER_OPEN:
            return []
        return super().process_input(input_)


class Connection(asyncio.Protocol):
    """Speaks HTTP/2 with one client."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._h2 = H2Connection(CONFIG)
        self._h2.state_machine = StateMachine()
        self._gone: set[int] = set()  # streams that the client has reset in what is being read
        self._streams: dict[int, Stream] = {}
        self._blocked: dict[int, Stream] = {}  # have more to send than the client has room for
        self._waiting: list[Stream] = []  # complete calls that begin when the client has read more
        self._owed: dict[int, int] = {}  # bytes that were received and not acknowledged, by stream
        self._owed_together = 0
        self._paused = False  # the transport is full
        self._leaving = False
        self._closing = False
        self._heard = True
        self._asked = False  # a ping is under way
        self._patience = float(IDLE_FRAMES)
        self._since = time.monotonic()
        self._fresh: list[Stream] = []
        self.held = 0  # bytes of answers that wait
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what this end allows."""
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._door.connections.add(self)
        connection, settings = self._h2, self._door.settings
        connection.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_FRAME_SIZE: LARGEST_FRAME,
                SettingCodes.MAX_HEADER_LIST_SIZE: settings.max_header_bytes,
            },
        )
        connection.max_inbound_frame_size = LARGEST_FRAME
        # A little beyond the limit a call is refused by its name; only far beyond it the connection ends.
        connection.decoder.max_header_list_size = 4 * settings.max_header_bytes
        connection.initiate_connection()
        connection.increment_flow_control_window(WINDOW - 65535)
        self._rest = settings.keep_alive_timeout
        self._timer = self._loop.call_later(self._rest, self._tick)
        if self._door.draining:
            self.warn()
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Let the calls have what the client sent, and write what they say to it at once."""
        self._heard = True
        self._asked = False
        try:
            events = self._h2.receive_data(data)
        except (
            Exception
        ) as error:  # ProtocolError, or whatever these bytes make of h2: this client is to blame
            self._broken(error)
            return
        self._gone = {event.stream_id for event in events if type(event) is StreamReset}
        try:
            for event in events:
                if (handler := HANDLERS.get(type(event))) is not None:
                    handler(self, event)
        except ProtocolError as error:
            self._broken(error)
            return
        for stream in self._fresh:
            if not (stream.heard or stream.ended):
                self._expect(stream)
        self._fresh.clear()
        if self._owed_together >= RECEIVED_UNTIL_TOLD and self.held < HELD:
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
        self._resume()
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone, and waits for none of its calls."""
        self.lost = True
        self._timer.cancel()
        self._door.forget(self)
        self._drop()

    @property
    def busy(self) -> bool:
        """Whether a call is under way."""
        return bool(self._streams)

    def flush(self) -> None:
        """Give the transport what was collected."""
        if (data := self._h2.data_to_send()) and not self.lost:
            self._transport.write(data)

    def begin(self, stream: Stream, headers: Headers) -> None:
        """Send the first headers of an answer."""
        if not self.lost:
            self._h2.send_headers(stream.number, headers)

    def send(self, stream: Stream, data: bytes) -> int:
        """Send what the client has room for; how much that was."""
        connection, number = self._h2, stream.number
        position, length, collected = 0, len(data), 0
        while position < length and not self._paused:
            room = min(connection.local_flow_control_window(number), connection.max_outbound_frame_size)
            if room <= 0:
                break
            part = data if length <= room else data[position : position + room]
            connection.send_data(number, part)
            position += len(part)
            collected += len(part)
            if collected >= WRITTEN_AT_ONCE:
                self.flush()
                collected = 0
        return position

    def finish(self, stream: Stream, last: Headers) -> None:
        """Send the last headers of an answer; a client that still sends is told that nobody listens."""
        if self._streams.pop(stream.number, None) is None:
            return
        self._forget(stream)
        self._h2.send_headers(stream.number, last, end_stream=True)
        if not stream.heard:
            self._h2.reset_stream(stream.number, ErrorCodes.NO_ERROR)
        self._patience = min(self._patience + 1, IDLE_FRAMES)
        if self._leaving and not self._streams:
            self._loop.call_soon(self.close)

    def wait(self, stream: Stream) -> None:
        """Go on with this stream when there is room."""
        self._blocked[stream.number] = stream

    def warn(self) -> None:
        """Tell the client to make its next calls on another connection."""
        if not (self._leaving or self.lost):
            self._leaving = True
            self.flush()
            self._transport.write(GoAwayFrame(0, last_stream_id=LAST).serialize())

    def close(self, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Take no more calls. A client that does not leave by itself after that is left soon."""
        if self.lost or self._closing or self._transport.is_closing():
            return
        self._closing = True
        with contextlib.suppress(ProtocolError):  # the client's bytes were an error before
            self._h2.close_connection(code)
        self.flush()
        self._loop.call_later(LAST_SECONDS, self._transport.close)

    def abort(self) -> None:
        """End now, whatever is under way."""
        if not self.lost:
            self._transport.abort()

    def end_streams(self, error: ServeError) -> None:
        """End the calls that would never end by themselves."""
        for stream in list(self._streams.values()):
            if not stream.ended:
                stream.refuse(error)
        self.flush()

    def _requested(self, event: RequestReceived) -> None:
        number = event.stream_id
        headers = cast(Any, event.headers)
        if number in self._gone:
            return
        try:
            head = read_head(headers, self._door.settings.max_header_bytes)
            if self._door.closed:
                raise ServeError("server_not_ready", "the server is going down")
            method = self._door.methods.get(head.path)
            if method is None:
                known = [*BEGIN, *trailers(Code.UNIMPLEMENTED, f"there is no method {head.path[:200]}")]
                self._turn_away(number, known, event)
                return
            if head.encoding != "identity" and head.encoding not in FORMATS:
                accepted = [(b"grpc-accept-encoding", ACCEPTED.encode())]
                said = f"messages are compressed with {head.encoding[:40]}; known are {ACCEPTED}"
                self._turn_away(number, [*BEGIN, *trailers(Code.UNIMPLEMENTED, said, accepted)], event)
                return
        except NotGrpc as error:
            self._turn_away(number, [(b":status", b"%d" % error.status)], event)
            return
        except ServeError as error:
            self._turn_away(number, [*BEGIN, *refusal(error)], event)
            return
        stream = Stream(self, number, head, method, self._door.settings.grpc_max_receive_message_length)
        self._streams[number] = stream
        self._fresh.append(stream)

    def _turn_away(self, number: int, headers: Headers, event: RequestReceived) -> None:
        self._h2.send_headers(number, headers, end_stream=True)
        if event.stream_ended is None:
            self._h2.reset_stream(number, ErrorCodes.NO_ERROR)
        self._spend()

    def _data(self, event: DataReceived) -> None:
        number = event.stream_id
        length = event.flow_controlled_length
        stream = None if number in self._gone else self._streams.get(number)
        if event.stream_ended is not None or stream is None or self.held >= HELD:
            self._owed_together += length
            if event.stream_ended is None:
                self._owed[number] = self._owed.get(number, 0) + length
        elif length:
            self._h2.acknowledge_received_data(length, number)
        if not event.data and event.stream_ended is None:
            self._spend()
        if stream is not None and not stream.ended and event.data:
            stream.receive(event.data)

    def _finished(self, event: StreamEnded) -> None:
        number = event.stream_id
        stream = None if number in self._gone else self._streams.get(number)
        if stream is None:
            return
        stream.heard = True
        if stream.timer is not None:
            cast(asyncio.TimerHandle, stream.timer).cancel()
        if stream.ended:
            return
        if self.held >= HELD:
            self._waiting.append(stream)
        else:
            stream.finish()

    def _reset(self, event: StreamReset) -> None:
        self._spend()
        stream = self._streams.pop(event.stream_id, None)
        if stream is not None:
            self._forget(stream)
            stream.dropped()

    def _room(self, event: Event) -> None:
        if self._blocked:
            self._resume()

    def _settings(self, event: Event) -> None:
        self._spend()
        self._room(event)

    def _ending(self, event: ConnectionTerminated) -> None:
        """The client makes no more calls; those under way it still wants, if nothing is wrong."""
        self._leaving = True
        if event.error_code != ErrorCodes.NO_ERROR or not self._streams:
            self._loop.call_soon(self.close)

    def _idle_frame(self, event: Event) -> None:
        self._spend()

    def _spend(self) -> None:
        """Count a frame that brings nothing. Raises `ProtocolError` when they are too many."""
        self._patience -= 1
        if self._patience < 0:
            now = time.monotonic()
            self._patience += min(IDLE_FRAMES, (now - self._since) * IDLE_FRAMES_A_SECOND)
            self._since = now
            if self._patience < 0:
                self._h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
                raise ProtocolError("too many frames that bring nothing")

    def _resume(self) -> None:
        """Send what waits, and begin calls that waited for that."""
        blocked, self._blocked = self._blocked, {}
        for stream in blocked.values():
            stream.push()
        while self._waiting and self.held < HELD:
            stream = self._waiting.pop(0)
            if not stream.ended:
                stream.finish()
        if self.held < HELD and (self._owed or self._owed_together >= RECEIVED_UNTIL_TOLD):
            self._acknowledge()

    def _acknowledge(self) -> None:
        """Give the client room for as many bytes as it has sent."""
        owed, self._owed = self._owed, {}
        for number, length in owed.items():
            if number in self._streams and not self._streams[number].heard:
                self._h2.increment_flow_control_window(length, number)
        if self._owed_together:
            self._h2.increment_flow_control_window(self._owed_together)
        self._owed_together = 0

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
            cast(asyncio.TimerHandle, stream.timer).cancel()

    def _drop(self) -> None:
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            self._forget(stream)
            stream.dropped()

    def _broken(self, error: Exception) -> None:
        """End a connection whose client does not keep to the protocol; h2 has written the GOAWAY."""
        log.debug("a gRPC connection ends: %s", error)
        self._drop()
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
            self._h2.ping(b"are you?")
            self.flush()
        self._heard = False


HANDLERS: dict[type[Event], Any] = {
    RequestReceived: Connection._requested,
    DataReceived: Connection._data,
    StreamEnded: Connection._finished,
    StreamReset: Connection._reset,
    WindowUpdated: Connection._room,
    RemoteSettingsChanged: Connection._settings,
    ConnectionTerminated: Connection._ending,
    PingReceived: Connection._idle_frame,
    PriorityUpdated: Connection._idle_frame,
    UnknownFrameReceived: Connection._idle_frame,
}
