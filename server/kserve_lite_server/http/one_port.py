"""REST and gRPC on one port: the first bytes of a connection say which protocol has it from then on."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from uvicorn.server import ServerState

# What every HTTP/2 client sends first when it knows that the server speaks it (RFC 9113, section 3.4), as gRPC's do.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class FirstBytes(asyncio.Protocol):
    """A connection that has not said yet what it speaks.

    It gives its transport away as soon as that is known, so neither pays for it but for the first bytes.
    """

    def __init__(
        self,
        http: Callable[..., asyncio.Protocol],
        grpc: Callable[[], asyncio.Protocol],
        *,
        server_state: ServerState,
        **more: Any,
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
            self._leave(self._grpc(), self._seen)
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
