"""Connections to services, kept open and lent out; a graph that changes keeps those that it still needs."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from kserve_lite_server.graph.connection import Connection
from kserve_lite_server.graph.failure import Failure

IDLE_SECONDS = 30.0
"""A connection that was idle for longer is not lent: the service may be closing it."""
MAX_AGE = 60.0
"""Seconds after which a connection makes room for one that may reach a pod that has come since."""
CONNECT_SECONDS = 5.0
PAUSES = (0.02, 0.1)
"""Pauses before another attempt to connect: nothing was sent, so nothing is repeated."""


class Origin:
    """Scheme, host and port of a service, and the connections to it."""

    def __init__(self, scheme: str, host: str, port: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.opened = 0
        self._scheme, self._host, self._port = scheme, host, port
        self.open = 0
        """How many connections there are."""
        self._idle: deque[Connection] = deque()
        self._closing = False

    @property
    def lent(self) -> int:
        """How many are answering a request."""
        return self.open - len(self._idle)

    def idle(self, now: float) -> Connection | None:
        """A connection that is open and free, the one used last."""
        while self._idle:
            connection = self._idle.pop()
            if now - connection.idle_since < IDLE_SECONDS and now < connection.born + MAX_AGE:
                return connection
            connection.close()
        return None

    async def connect(self, deadline: float) -> Connection:
        """Open another connection. Raises `Failure` by the deadline, or when nobody listens."""
        connecting = self.loop.create_task(self._connect(deadline))
        try:
            return await connecting
        except asyncio.CancelledError:
            connecting.cancel()
            connecting.add_done_callback(self._unwanted)
            raise

    def _unwanted(self, connecting: "asyncio.Task[Connection]") -> None:
        """Nobody waits for this connection any more; it may have come all the same."""
        if not connecting.cancelled() and connecting.exception() is None:
            connecting.result().abort()

    async def _connect(self, deadline: float) -> Connection:
        for pause in (*PAUSES, None):
            patience = min(CONNECT_SECONDS, deadline - self.loop.time())
            try:
                async with asyncio.timeout(patience):
                    _, connection = await self.loop.create_connection(
                        self._protocol, self._host, self._port, ssl=self._tls()
                    )
            except TimeoutError:
                if self.loop.time() >= deadline:
                    raise Failure("step_too_slow", "it did not answer within its time-out") from None
                raise Failure("step_unreachable", f"nobody answers at {self._host}:{self._port}") from None
            except OSError as error:
                if pause is None or self.loop.time() + pause >= deadline:
                    text = error.strerror or str(error)
                    raise Failure(
                        "step_unreachable", f"cannot reach {self._host}:{self._port}: {text}"
                    ) from None
                await asyncio.sleep(pause)
            else:
                self.opened += 1
                self.open += 1
                connection.counted = True
                return connection
        raise AssertionError("the last attempt returns or raises")

    def give_back(self, connection: Connection) -> None:
        """A request has ended and its connection can take another."""
        if self._closing:
            connection.close()
            return
        connection.idle_since = self.loop.time()
        self._idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """A connection has ended, idle or not."""
        self.uncount(connection)
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)

    def uncount(self, connection: Connection) -> None:
        """A connection that is not idle is ending."""
        if connection.counted:
            connection.counted = False
            self.open -= 1

    def retire(self) -> None:
        """No graph needs it any more: close what is idle, and the rest when it is given back."""
        self._closing = True
        while self._idle:
            self._idle.pop().close()

    def revive(self) -> None:
        """A graph needs it again."""
        self._closing = False

    def sweep(self) -> None:
        """Close what has been idle for too long."""
        limit = self.loop.time() - IDLE_SECONDS
        while self._idle and self._idle[0].idle_since < limit:
            self._idle.popleft().close()

    def _protocol(self) -> Connection:
        from random import random  # at the first connection: the start is short

        # Ages differ, so that connections do not all make room at once.
        return Connection(self, self.loop.time() - random() * MAX_AGE / 2)

    def _tls(self) -> Any:
        if self._scheme == "http":
            return None
        import ssl  # only where a step has an https URL

        return ssl.create_default_context()


class Pool:
    """Every origin of a router, by URL."""

    def __init__(self) -> None:
        self.origins: dict[tuple[str, str, int], Origin] = {}

    def origin(self, url: str) -> Origin:
        """The origin of a URL."""
        parts = urlsplit(url)
        key = (parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        if key not in self.origins:
            self.origins[key] = Origin(*key)
        return self.origins[key]

    def keep(self, wanted: Iterable[Origin]) -> None:
        """Retire every origin but these."""
        kept = set(wanted)
        for key, origin in list(self.origins.items()):
            if origin in kept:
                origin.revive()
            else:
                origin.retire()
                if not origin.open:
                    del self.origins[key]

    @property
    def opened(self) -> int:
        """Connections that were ever opened."""
        return sum(origin.opened for origin in self.origins.values())

    def sweep(self) -> None:
        """Close connections that have been idle for too long."""
        for origin in self.origins.values():
            origin.sweep()
