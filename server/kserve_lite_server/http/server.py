"""uvicorn on one listening socket, with a drain: not ready first, running requests answered, then the end."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import uvicorn
from uvicorn.config import Config

from kserve_lite_server.http.one_port import FirstBytes
from kserve_lite_server.http.process import Process
from kserve_lite_server.http.protocol import BoundedHttpProtocol
from kserve_lite_server.sockets import BACKLOG

log = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """On SIGTERM: readiness turns false, running requests are answered within the bound, then it stops
    listening."""

    def __init__(self, config: Config, context: Process) -> None:
        super().__init__(config)
        self._context = context

    @property
    def answered(self) -> bool:
        """Whether every request was answered, on every door."""
        return not self.force_exit

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the end signals in the event loop; a second one ends at once."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
        for number in signals:
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _end(self) -> None:
        if self._context.draining:
            self.should_exit = self.force_exit = True
            return
        log.info("ending: %d requests are running", self._context.in_flight)
        self._context.drain()
        self._draining = asyncio.get_running_loop().create_task(self._drain())

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open HTTP's door and those beside it."""
        await super().startup(sockets)
        for opening in self._context.opening:
            await opening()

    async def _drain(self) -> None:
        """Keep listening, so that probes see 503 and late requests are answered, while requests are running."""
        end = asyncio.get_running_loop().time() + self._context.settings.drain_timeout
        await self._idle(end)
        left = self._context.in_flight
        for close in self._context.closing:
            await close()
        await self._idle(end)
        if left := left or self._context.in_flight:
            log.warning("%d requests did not end within --drain_timeout", left)
            self.force_exit = True
        self.should_exit = True

    async def _idle(self, end: float) -> None:
        """Wait until nothing is in flight, or the loop's clock shows `end`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(end):
                while self._context.in_flight:
                    await self._context.idle.wait()


def serve(
    process: Process,
    app: Any,
    listener: socket.socket,
    protocol: type[BoundedHttpProtocol] = BoundedHttpProtocol,
) -> bool:
    """Serve until a signal ends it; True when every running request was answered."""
    server = make_server(process, app, protocol)
    server.run(sockets=[listener])
    return server.answered


def make_server(process: Process, app: Any, protocol: type[BoundedHttpProtocol]) -> DrainingServer:
    """A uvicorn server for this process."""
    settings = process.settings
    http: Any = type("Protocol", (protocol,), {"max_header_bytes": settings.max_header_bytes})
    if process.grpc:
        http = partial(FirstBytes, http, process.grpc)
    config = Config(
        app,
        http=http,
        ws="none",
        loop="auto" if sys.platform == "win32" else "uvloop",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_timeout,
        timeout_graceful_shutdown=1,  # the drain comes before
        backlog=BACKLOG,
    )
    return DrainingServer(config, process)
