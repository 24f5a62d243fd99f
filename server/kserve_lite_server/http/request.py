"""One HTTP request, its body read within the limits."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

from kserve_lite_server.errors import ServeError
from kserve_lite_server.http.observe import Seen


class Disconnected(Exception):
    """The client went away; there is nobody to answer."""


class Request:
    """Method, path, headers (lower-case names) and body of one request."""

    def __init__(self, scope: dict[str, Any], receive: Any, max_bytes: int, timeout: float) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        self.headers: dict[str, str] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.seen = Seen(self.method, self.path, request_id=self.headers.get("x-request-id", ""))
        self._receive = receive
        self._max_bytes = max_bytes
        self._timeout = timeout

    async def body(self) -> bytes:
        """Read the whole body. Raises `ServeError` "request_too_large" or "request_too_slow", or
        `Disconnected`."""
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._timeout):
                body = await self._read()
        except TimeoutError:
            raise ServeError(
                "request_too_slow", f"the request's body did not arrive within {self._timeout:g} seconds"
            ) from None
        self.seen.received = len(body)
        return body

    async def gone(self) -> None:
        """Return when the client has gone away; call it after `body`."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _read(self) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._max_bytes:
                raise self._too_large()
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _too_large(self) -> ServeError:
        return ServeError(
            "request_too_large",
            f"the request's body is larger than {self._max_bytes} bytes; see --max_request_bytes",
        )
