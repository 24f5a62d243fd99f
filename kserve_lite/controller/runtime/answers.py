"""Answer GET requests for health and metrics on the event loop: a hung loop does not answer, and is restarted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

PATIENCE = 10.0  # seconds for a request to arrive whole
LONGEST = 16384  # bytes of a request line and its headers


class Answer(NamedTuple):
    """A status and a text; Prometheus asks for its media type as well."""

    status: int
    body: bytes
    type: str = "text/plain; charset=utf-8"


@dataclass
class Answers:
    """A server of a few paths: one request a connection, as probes and scrapes send them."""

    paths: Mapping[str, Callable[[], Answer]]
    host: str
    port: int

    async def __aenter__(self) -> Answers:
        self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=LONGEST)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()  # who has connected and asked nothing is not waited for

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_written(self._answer(head), head.startswith(b"HEAD ")))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # who does not ask gets no answer
        finally:
            writer.close()

    def _answer(self, head: bytes) -> Answer:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0].decode("latin-1")
        if path not in self.paths:
            return Answer(404, f"there is {', '.join(self.paths)}\n".encode())
        if method not in (b"GET", b"HEAD"):
            return Answer(405, b"GET it\n")
        return self.paths[path]()


def _written(answer: Answer, bare: bool) -> bytes:
    phrase = HTTPStatus(answer.status).phrase
    head = f"HTTP/1.1 {answer.status} {phrase}\r\nContent-Type: {answer.type}\r\n"
    head += f"Content-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + (b"" if bare else answer.body)
