"""REST and gRPC on one port: the first bytes of a connection say which; gRPC's go on to grpcio's socket as they are."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

from uvicorn.server import ServerState

log = logging.getLogger(__name__)

# What every HTTP/2 client sends first when it knows that the server speaks it (RFC 9113, section 3.4), as gRPC's do.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class FirstBytes(asyncio.Protocol):
    """A connection that has not said yet what it speaks.

    It gives its transport away as soon as that is known, so HTTP pays nothing for it but for the first bytes.
    """

    def __init__(
        self, http: Callable[..., asyncio.Protocol], grpc: Path, *, server_state: ServerState, **more: Any
    ) -> None:
        self._http = partial(http, server_state=server_state, **more)
        self._grpc = grpc
        self._state = server_state
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be among the connections that the server closes at its end."""
        self._transport = cast(asyncio.Transport, transport)
        self._state.connections.add(cast(Any, self))

    def data_received(self, data: bytes) -> None:
        """Decide, or wait for more of what may become either."""
        self._seen += data
        if self._seen.startswith(PREFACE):
            self._leave(Client(self._grpc, self._state), self._seen)
        elif not PREFACE.startswith(self._seen):
            self._leave(self._http(), self._seen)

    def connection_lost(self, error: Exception | None) -> None:
        """The client left before it said anything of use."""
        self._state.connections.discard(cast(Any, self))

    def shutdown(self) -> None:
        """End: no request has begun."""
        self._transport.close()

    def _leave(self, protocol: asyncio.Protocol, seen: bytes) -> None:
        self._state.connections.discard(cast(Any, self))
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(seen)


class End(asyncio.Protocol):
    """One end of a pair of connections: what it receives the other one sends, no faster than that one can."""

    transport: asyncio.Transport

    def __init__(self, other: "End | None" = None) -> None:
        self.other = other

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Know where to send."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self.other:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        """The peer is slow to read: read no more from the other end."""
        if self.other:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer has read."""
        if self.other:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """Neither end lives without the other; what was received is still sent."""
        if self.other:
            self.other.transport.close()


class Client(End):
    """The end at a gRPC client."""

    def __init__(self, grpc: Path, state: ServerState) -> None:
        super().__init__()
        self._grpc = grpc
        self._state = state
        self._first = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect to grpcio; read no more until that is done."""
        super().connection_made(transport)
        self._state.connections.add(cast(Any, self))
        self.transport.pause_reading()
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        """Pass it on, or keep the first bytes until there is somebody to have them."""
        if self.other:
            self.other.transport.write(data)
        else:
            self._first += data

    def connection_lost(self, error: Exception | None) -> None:
        """Let the other end go."""
        self._state.connections.discard(cast(Any, self))
        super().connection_lost(error)

    def shutdown(self) -> None:
        """End: grpcio has answered its calls and closed before."""
        self.transport.close()

    async def _connect(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            _, other = await loop.create_unix_connection(lambda: End(self), str(self._grpc))
        except OSError as error:
            log.warning("a gRPC connection on the HTTP port is closed, grpcio does not take it: %s", error)
            self.transport.close()
            return
        self.other = other
        other.transport.write(self._first)
        self._first = b""
        if self.transport.is_closing():
            other.transport.close()
        else:
            self.transport.resume_reading()
