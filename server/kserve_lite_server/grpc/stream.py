"""One call's stream: the client's messages go to the call, the call's answers to the client as fast as it reads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from kserve_lite_server.errors import ServeError
from kserve_lite_server.grpc.blocks import Headers
from kserve_lite_server.grpc.head import Head
from kserve_lite_server.grpc.incoming import Messages, Sent
from kserve_lite_server.grpc.status import BEGIN, GOOD, Code, refusal, trailers

if TYPE_CHECKING:
    from kserve_lite_server.grpc.connection import Connection


class Call(Protocol):
    """What a method makes of one stream. None of these is called after the call has ended its stream."""

    @property
    def patience(self) -> float | None:
        """Seconds in which the client must have sent everything, if that is bounded."""

    def received(self, message: Sent) -> None:
        """The client sent a message. May raise `ServeError`."""

    def finish(self) -> None:
        """The client has sent its last message. May raise `ServeError`."""

    def refuse(self, error: ServeError) -> None:
        """What the client sends cannot be read, or does not come: end the stream with this."""

    def cancel(self) -> None:
        """The client is gone, or waits no more."""


Method = Callable[["Stream"], Call]


class Stream:
    """The server's end of one HTTP/2 stream."""

    __slots__ = (
        "_begun",
        "_messages",
        "_out",
        "_trailers",
        "begun",
        "call",
        "connection",
        "deadline",
        "ended",
        "head",
        "heard",
        "number",
        "owed",
        "size",
        "timer",
    )

    def __init__(self, connection: Connection, number: int, head: Head, method: Method, largest: int) -> None:
        self.connection = connection
        self.number = number
        self.head = head
        self.deadline = head.deadline()
        self.heard = False  # the client has sent everything
        self.ended = False  # nothing more is to be sent after what waits here
        self.timer: asyncio.TimerHandle | None = None  # until the client has sent everything
        self.owed = 0  # bytes that came and were not acknowledged
        self.size = 0  # bytes that came
        self.begun = False  # the call is being answered
        self._messages = Messages(head.encoding, largest)
        self._begun = False
        self._out: list[bytes | memoryview] = []  # what the client has no room for yet
        self._trailers = GOOD
        self.call = method(self)

    def remaining(self) -> float | None:
        """Seconds that the client still waits; None where it did not say."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def receive(self, data: bytes) -> None:
        """Take bytes from the client."""
        try:
            for message in self._messages.feed(data):
                if self.ended:
                    return
                self.call.received(message)
        except ServeError as error:
            self.refuse(error)

    def finish(self) -> None:
        """The client has sent everything."""
        try:
            if self._messages.partial:
                raise ServeError("invalid_input", "the call's last message ends too early")
            self.call.finish()
        except ServeError as error:
            self.refuse(error)

    def refuse(self, error: ServeError) -> None:
        """End the call for what the client sent, or did not send."""
        if not self.ended:
            self.call.refuse(error)

    def send(self, message: bytes) -> None:
        """Send one message of several."""
        self._begin()
        self._out.append(b"\0%b%b" % (len(message).to_bytes(4, "big"), message))
        self.connection.held += len(self._out[-1])
        self.push()

    def answer(self, message: bytes, more: Headers | None = None) -> None:
        """Send the one message, and end well."""
        connection, frame = self.connection, b"\0%b%b" % (len(message).to_bytes(4, "big"), message)
        connection.over(self)
        self._begin()
        if more:
            self._trailers = trailers(Code.OK, more=more)
        self._out.append(frame)
        connection.held += len(frame)
        self.push()

    def end(self, last: bytes) -> None:
        """End with these trailers, after what waits to be sent."""
        self.connection.over(self)
        self._trailers = last
        self.push()

    def fail(self, error: ServeError) -> None:
        """End with an error."""
        self.end(refusal(error))

    def push(self) -> None:
        """Send as much as the client has room for."""
        connection = self.connection
        if connection.lost:
            return
        while self._out:
            sent = connection.send(self, self._out[0])
            connection.held -= sent
            if sent < len(self._out[0]):
                self._out[0] = memoryview(self._out[0])[sent:]  # a copy each would be many of a large answer
                connection.wait(self)
                return
            del self._out[0]
        if self.ended:
            connection.finish(self, self._trailers if self._begun else BEGIN + self._trailers)

    def dropped(self) -> None:
        """The client reset the stream, or is gone."""
        self.connection.held -= sum(map(len, self._out))
        self._out.clear()
        if not self.ended:
            self.connection.over(self)
            self.call.cancel()

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self.connection.begin(self, BEGIN)
