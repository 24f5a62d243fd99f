"""A proxy that stands before a real server and breaks what passes, in the ways networks and services do."""

import http.client
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BULK = 32 << 10  # a body of this size is a model's; anything smaller a listing or a login
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer"})
OWN = HOP_BY_HOP | {"date", "server"}  # which http.server writes itself
EVER = 10**9


@dataclass
class Breaks:
    """What goes wrong between client and server. A fault with a count is used up by so many bodies or answers."""

    upstream: str = ""
    address: str = ""
    host: str | None = None  # sent in place of the client's, to a server that insists on its own
    statuses: list[int] = field(default_factory=list)  # answered first, one a request
    always: int | None = None
    bulk_status: int | None = None  # in place of a model's bytes
    bulk_after: int = 0  # once so many bodies have passed
    cut: int = 0  # bodies that end half-way
    reset: int = 0  # the same, by a reset
    stall: int = 0  # the same, by silence
    short_header: int = 0  # announced longer than they are
    flip: int = 0  # one bit of the body is another
    redirect: str | None = None  # where bodies are said to be
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bulks: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, fault: str) -> bool:
        """Use up one of a counted fault."""
        with self.lock:
            left: int = getattr(self, fault)
            setattr(self, fault, max(0, left - 1))
            return left > 0


@contextmanager
def between(
    breaks: Breaks, host: str = "127.0.0.1", tls: tuple[Path, Path] | None = None
) -> Iterator[Breaks]:
    """Pass requests on to `breaks.upstream` until the block ends; `breaks.address` is where to send them."""

    class Handler(_Handler):
        plan = breaks

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients go away here by design
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    breaks.address = f"{'https' if tls else 'http'}://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield breaks
    finally:
        breaks.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    plan: Breaks
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_HEAD(self) -> None:
        self._pass_on()

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        plan = self.plan
        sent = self._body()
        with plan.lock:
            plan.requests.append((self.path, dict(self.headers)))
            status = plan.statuses.pop(0) if plan.statuses else plan.always
        if status is not None:
            self._answer(status, {}, b"")
            return
        status, headers, body = self._upstream(sent)
        if len(body) < BULK or status >= 300:
            self._answer(status, headers, body)
            return
        with plan.lock:
            plan.bulks += 1
            late = plan.bulks > plan.bulk_after
        if plan.bulk_status and late:
            self._answer(plan.bulk_status, {}, b"")
        elif plan.redirect:
            self._answer(302, {"Location": plan.redirect}, b"")
        else:
            self._broken(status, headers, body)

    def _broken(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Send a model's bytes, with one fault at most."""
        plan = self.plan
        if plan.take("flip"):
            body = bytes([body[0] ^ 1]) + body[1:]
        ever = max(plan.cut, plan.reset, plan.stall) > EVER // 2
        half = b"" if ever else body[: len(body) // 2]  # half a range after half a range would be all of it
        if plan.take("short_header"):
            self._answer(status, headers, body, announced=len(body) + 1000)
        elif plan.take("stall"):
            self._answer(status, headers, half, announced=len(body))
            plan.released.wait(20)
        elif plan.take("cut"):
            self._answer(status, headers, half, announced=len(body))
        elif plan.take("reset"):
            self._answer(status, headers, half, announced=len(body))
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self._answer(status, headers, body)
            return
        self.close_connection = True

    def _body(self) -> bytes:
        """Read a request's body: of a length, or in chunks as git sends it."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        content = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _upstream(self, sent: bytes) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(self.plan.upstream)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        if self.plan.host:
            headers = {name: value for name, value in headers.items() if name.lower() != "host"}
            headers["Host"] = self.plan.host
        try:
            connection.request(self.command, self.path, sent or None, headers)
            answer = connection.getresponse()
            body = answer.read()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in OWN}
            if self.command == "HEAD" and answer.getheader("Content-Length"):
                kept["Content-Length"] = answer.getheader("Content-Length") or "0"
            return answer.status, kept, body
        finally:
            connection.close()

    def _answer(
        self, status: int, headers: dict[str, str], body: bytes, announced: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(body) if announced is None else announced),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""
