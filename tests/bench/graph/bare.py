"""The least that any router on this event loop does: forward to two services by known heads, with no feature at all.

`python -m tests.bench.graph.bare Sequence|Ensemble PORT SERVICE_PORT SERVICE_PORT`. What it costs is the floor of our
router's figures on a machine: kernel, event loop, and one call of Python for each thing that arrives.
"""

import asyncio
import sys
from collections.abc import Callable

import uvloop

END = b"\r\n\r\n"
HEAD = (
    b"POST /v1/models/m:predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ncontent-length: %d\r\n\r\n%b"
)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


class Service(asyncio.Protocol):
    """A connection to one of the two services."""

    def __init__(self, idle: list["Service"]) -> None:
        self.idle = idle
        self.done: Callable[[bytes], None]

    def connection_made(self, transport: asyncio.WriteTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.idle.append(self)
        self.done(data[data.find(END) + 4 :])


class Client(asyncio.Protocol):
    """A connection of a client, which asks one thing at a time."""

    pools: tuple[list[Service], list[Service]] = ([], [])
    ports: tuple[int, int]

    def connection_made(self, transport: asyncio.WriteTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.first: bytes | None = None

    def ask(self, number: int, body: bytes, done: Callable[[bytes], None]) -> None:
        if not self.pools[number]:
            asyncio.get_running_loop().create_task(self.connect(number, body, done))
            return
        service = self.pools[number].pop()
        service.done = done
        service.transport.write(HEAD % (len(body), body))

    async def connect(self, number: int, body: bytes, done: Callable[[bytes], None]) -> None:
        make = lambda: Service(self.pools[number])  # noqa: E731
        _, service = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", self.ports[number])
        service.done = done
        service.transport.write(HEAD % (len(body), body))

    def reply(self, body: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER % (len(body), body))


class Sequence(Client):
    """The second service gets what the first one answered."""

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET"):
            self.reply(b"")
        else:
            self.ask(0, data[data.find(END) + 4 :], self.next)

    def next(self, body: bytes) -> None:
        self.ask(1, body, self.reply)


class Ensemble(Client):
    """Both get the request; their answers are merged."""

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET"):
            self.reply(b"")
            return
        body = data[data.find(END) + 4 :]
        self.first = None
        self.ask(0, body, self.merge)
        self.ask(1, body, self.merge)

    def merge(self, body: bytes) -> None:
        if self.first is None:
            self.first = body
        else:
            self.reply(b'{"s0":%b,"s1":%b}' % (self.first, body))


async def main() -> None:
    kind, port, *services = sys.argv[1:]
    Client.ports = int(services[0]), int(services[1])
    make = {"Sequence": Sequence, "Ensemble": Ensemble}[kind]
    await asyncio.get_running_loop().create_server(make, "127.0.0.1", int(port))
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
