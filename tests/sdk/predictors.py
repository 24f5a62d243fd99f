"""A predictor that goes wrong in the way that the request's x-request-id asks for."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Wrong:
    port: int
    heads: list[dict[str, str]] = field(default_factory=list)
    connections: int = 0
    hung_up: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


REPLIES = {
    "400": (400, b'{"error":"four values a row","code":"invalid_input"}'),
    "404": (404, b"<html>nothing here</html>"),
    "413": (413, b'{"error":"too much"}'),
    "500": (500, b'{"error":"the model broke"}'),
    "503": (503, b'{"error":"still loading"}'),
    "text": (200, b"predictions: none"),
    "cut json": (200, b'{"predictions": [1'),
    "good": (200, b'{"predictions": [1]}'),
}


@contextmanager
def wrong_predictor() -> Iterator[Wrong]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            wrong.connections += 1
            while head := self.head():
                wrong.heads.append(head)
                self.rfile.read(int(head.get("content-length", 0)))
                if not self.reply(head.get("x-request-id", "good")):
                    return

        def head(self) -> dict[str, str]:
            lines = []
            while line := self.rfile.readline().strip():
                lines.append(line.decode())
            return {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines[1:])}

        def reply(self, kind: str) -> bool:
            if kind == "slow":  # for ever: until the other side hangs up
                wrong.came.release()
                self.connection.settimeout(60)
                with suppress(OSError):
                    self.connection.recv(1)
                wrong.hung_up.release()
                return False
            if kind == "half":
                self.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"predic')
                return False
            if kind == "gone":
                return False
            if kind == "not http":
                self.wfile.write(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00")
                return False
            status, body = REPLIES[kind]
            head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nretry-after: 7\r\n"
            self.wfile.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            return True

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 1024

    with Server(("127.0.0.1", 0), Handler) as server:
        wrong = Wrong(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield wrong
        finally:
            server.shutdown()
            thread.join()


def refusing_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
