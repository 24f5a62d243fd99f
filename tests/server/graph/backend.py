"""Services that answer as a test says, byte for byte, and the router between them and a client, in one event loop."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kserve_lite_server.graph.door import Door
from kserve_lite_server.graph.service import Service
from kserve_lite_server.graph.settings import Settings

Respond = Callable[["Request"], Awaitable[bytes | None]]


@dataclass
class Request:
    """What a service was sent, with the connection for answers that are not plain HTTP."""

    path: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Backend:
    """One service; `seen` are its requests in their order."""

    port: int = 0
    seen: list[Request] = field(default_factory=list)
    connections: int = 0
    broken: int = 0  # connections that ended while a request was being answered

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def backend(respond: Respond, port: int = 0) -> AsyncIterator[Backend]:
    """Run a service. `respond` returns the answer's bytes, or None when it has written and closed itself."""
    service = Backend()
    open_connections: dict[asyncio.StreamWriter, asyncio.Task[Any] | None] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        service.connections += 1
        open_connections[writer] = asyncio.current_task()
        try:
            while request := await read(reader, writer):
                service.seen.append(request)
                answering = asyncio.ensure_future(respond(request))
                gone = asyncio.ensure_future(reader.read(1))
                await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not answering.done():
                    service.broken += 1
                    answering.cancel()
                    return
                gone.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await gone
                if (answer := answering.result()) is None:
                    return
                writer.write(answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            service.broken += 1
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
        for writer in open_connections:
            writer.close()
        await asyncio.gather(*filter(None, open_connections.values()))


async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """Read one request; None at the end of the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int((await reader.readline()).strip(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(first.split(" ")[1], headers, body, writer)


def answer(value: Any, status: int = 200, headers: str = "") -> bytes:
    """A plain answer."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def constant(value: Any, status: int = 200, headers: str = "") -> Respond:
    """A service that always says the same."""

    async def respond(request: Request) -> bytes:
        return answer(value, status, headers)

    return respond


async def echo(request: Request) -> bytes:
    """A service that answers with what it was sent."""
    return answer(request.body)


async def hang(request: Request) -> bytes:
    """A service that never answers."""
    await asyncio.Event().wait()
    raise AssertionError


def graph(root: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A graph whose root is given; `nodes` for others."""
    return {"name": "g", "revision": "1", "nodes": {"root": root, **more.pop("nodes", {})}, **more}


@dataclass
class Running:
    """A router that answers."""

    service: Service
    url: str
    port: int


@contextlib.asynccontextmanager
async def router(folder: Path, document: dict[str, Any], **settings: Any) -> AsyncIterator[Running]:
    """Run the router in this event loop."""
    file = folder / "graph.json"
    file.write_text(json.dumps(document))
    service = Service(Settings(file, **settings), file)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Door(service), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Running(service, f"http://127.0.0.1:{port}", port)
    finally:
        server.close()
        for door in list(service.doors):
            door.close()
        service.pool.keep([])
        await asyncio.sleep(0)
