"""uvicorn's httptools protocol with what it lacks: a limit for the request's head, and errors in JSON."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from kserve_lite_server.errors import ServeError
from kserve_lite_server.http.response import error_response


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses a head larger than `max_header_bytes` with 431 and closes the connection."""

    max_header_bytes = 64 * 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True

    def data_received(self, data: bytes) -> None:
        """Count what arrives before the head is complete: one endless header never reaches a callback."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self.max_header_bytes and not self.transport.is_closing():
            self._refuse(self._too_large())

    def on_message_begin(self) -> None:
        """A new request begins."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Check the size of a head that came in one piece."""
        if self.accept_head():
            super().on_headers_complete()

    def accept_head(self) -> bool:
        """Whether the head that is now complete is within its limit; refuses it otherwise."""
        self._in_head = False
        self._head_bytes = 0
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.max_header_bytes:
            self._refuse(self._too_large())
            return False
        return True

    def send_400_response(self, msg: str) -> None:
        """What cannot be parsed as HTTP is answered in JSON as everything else."""
        if not self.transport.is_closing():
            self._refuse(ServeError("bad_request", msg))

    def _too_large(self) -> ServeError:
        return ServeError(
            "headers_too_large",
            f"the request's head is larger than {self.max_header_bytes} bytes; see --max_header_bytes",
        )

    def _refuse(self, error: ServeError) -> None:
        response = error_response(error)
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(
            response.body
        )
        self.transport.write(STATUS_LINE[response.status] + head + response.body)
        self.transport.close()
