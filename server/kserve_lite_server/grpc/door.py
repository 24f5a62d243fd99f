"""The gRPC port: opened beside the HTTP port, or on it, over the same models, and drained with it."""

import asyncio
import contextlib
import socket

from kserve_lite_server.errors import ServeError
from kserve_lite_server.grpc.calls import NAME, Calls
from kserve_lite_server.grpc.connection import LAST_SECONDS, Connection
from kserve_lite_server.grpc.health import HEALTH, Health
from kserve_lite_server.grpc.reflection import REFLECTION, Reflection
from kserve_lite_server.grpc.stream import Method
from kserve_lite_server.grpc.tls import TlsFiles
from kserve_lite_server.http.process import Process
from kserve_lite_server.sockets import BACKLOG


class Door:
    """All gRPC connections of a process."""

    def __init__(
        self,
        process: Process,
        service: Calls,
        health: Health,
        listener: socket.socket | None,
        tls: TlsFiles | None = None,
    ) -> None:
        """Answer on `listener` as soon as the event loop runs; without one, HTTP hands connections over."""
        self.settings = process.settings
        self.connections: set[Connection] = set()
        self.closed = False  # every call is answered, and no more are taken
        self.methods: dict[str, Method] = {
            **service.methods(),
            **health.methods(),
            **Reflection((NAME, HEALTH, REFLECTION)).methods(),
        }
        self._listener = listener
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._left = asyncio.Event()
        if listener is None:
            process.grpc = self.connection
        process.opening.append(self._open)
        process.leaving.append(health.refresh)
        process.leaving.append(self._warn)
        process.closing.append(self._close)

    def connection(self) -> Connection:
        """A new client's connection."""
        return Connection(self)

    def forget(self, connection: Connection) -> None:
        """A client is gone."""
        self.connections.discard(connection)
        if not self.connections:
            self._left.set()

    async def _open(self) -> None:
        if self._listener is not None:
            context = self._tls.context() if self._tls else None
            self._server = await asyncio.get_running_loop().create_server(
                self.connection, sock=self._listener, ssl=context, backlog=BACKLOG
            )

    def _warn(self) -> None:
        for connection in list(self.connections):
            connection.warn()

    async def _close(self) -> None:
        """Let all clients go; what still runs is cut off."""
        self.closed = True
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.end_streams(ServeError("server_not_ready", "the server is going down"))
            connection.close()
        if self.connections:
            self._left.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), 2 * LAST_SECONDS)
        for connection in list(self.connections):
            connection.abort()
