"""Two services that cost next to nothing: a constant answer to every POST; GET says how many connections came.

`python -m tests.bench.graph.backend PORT PORT`.
"""

import asyncio
import re
import sys

import uvloop

BODY = b'{"predictions":[0]}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
LENGTH = re.compile(rb"(?i)content-length: *(\d+)")
connections = 0


class Service(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.unread = b""
        self.heads: dict[bytes, int] = {}

    def connection_made(self, transport: asyncio.WriteTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        global connections
        data = self.unread + data
        while (end := data.find(b"\r\n\r\n") + 4) >= 4:
            if data.startswith(b"GET"):
                said = b"%d" % connections
                self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said))
                data = data[end:]
                continue
            head = data[:end]
            if (length := self.heads.get(head)) is None:
                if not self.heads:
                    connections += 1
                found = LENGTH.search(head)
                length = self.heads[head] = int(found[1]) if found else 0
            if len(data) < end + length:
                break
            self.transport.write(ANSWER)
            data = data[end + length :]
        self.unread = data


async def main() -> None:
    loop = asyncio.get_running_loop()
    for port in sys.argv[1:]:
        await loop.create_server(Service, "127.0.0.1", int(port))
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
