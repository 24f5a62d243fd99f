"""A reply that is sent while it is made."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from kserve_lite_server.http.response import Response


@dataclass(slots=True)
class Stream(Response):
    """Sends each chunk (bytes or text) as it comes."""

    content_type: str = "text/event-stream"
    chunks: AsyncIterator[Any] | None = None

    async def send(self, send: Any, *, body: bool = True) -> None:
        """Write to an ASGI server."""
        own = {"content-type": self.content_type, **self.headers}
        headers = [
            (name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in own.items()
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if body and self.chunks is not None:
            async for chunk in self.chunks:
                data = chunk.encode() if isinstance(chunk, str) else bytes(chunk)
                await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
