"""One HTTP reply, and the JSON body that every error has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from kserve_lite_server.errors import ServeError


@dataclass(slots=True)
class Response:
    """Status, body and headers; `length` and `content-type` headers are written from the fields."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    code: str = ""  # the error's code, for logs and metrics

    async def send(self, send: Any, *, body: bool = True) -> None:
        """Write to an ASGI server; without the body for HEAD."""
        headers = [
            (b"content-type", self.content_type.encode("latin-1")),
            (b"content-length", str(len(self.body)).encode()),
            *(
                (name.encode("latin-1"), value.encode("latin-1", "replace"))
                for name, value in self.headers.items()
            ),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body if body else b""})


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON reply."""
    return Response(status, orjson.dumps(value), headers=dict(headers or {}))


def ignoring(response: Response, ignored: Sequence[str]) -> Response:
    """Say in a header which parts of the request had no effect."""
    if ignored:
        names = ", ".join(ignored).encode("ascii", "backslashreplace").decode()
        response.headers["warning"] = f'299 - "ignored: {names}"'.replace("\r", " ").replace("\n", " ")
    return response


def error_response(error: ServeError) -> Response:
    """`{"error": sentence, "code": code}` with the code's status."""
    response = json_response({"error": error.message, "code": error.code}, error.status)
    response.code = error.code
    if error.retry_after is not None:
        response.headers["retry-after"] = str(error.retry_after)
    return response
