"""A peer that answers as a service's REST reference says: real sockets, and replies that a test gives."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Peer:
    """A server whose replies a test gives as a function of path and query."""

    address: str = ""
    reply: Callable[[str, dict[str, str]], Reply] = lambda path, query: (404, {}, b"")
    sent: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)  # of POSTs


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    for name in (
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)
    plan = Peer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            plan.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
            self.do_GET()

        def do_GET(self) -> None:
            plan.sent.append((self.path, dict(self.headers)))
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, headers, body = plan.reply(unquote(parts.path), query)
            asked = self.headers.get("Range")
            if asked and status == 200 and "X-No-Ranges" not in headers:
                first, _, last = asked.removeprefix("bytes=").partition("-")
                headers = {**headers, "Content-Range": f"bytes {first}-{last or len(body) - 1}/{len(body)}"}
                status, body = 206, body[int(first) : int(last) + 1 if last else None]
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    plan.address = f"http://127.0.0.1:{server.server_port}"
    yield plan
    server.shutdown()
    thread.join()
    server.server_close()


def as_json(document: object, **headers: str) -> Reply:
    return 200, headers, json.dumps(document).encode()
