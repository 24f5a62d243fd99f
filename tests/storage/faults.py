"""An HTTP server that fails in the ways real ones do; a peer of ours, with real sockets."""

import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Faults:
    """What a server does wrong, and what it was asked."""

    content: bytes = b""
    address: str = ""
    ranges: bool = True
    etag: str | None = '"v1"'
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)  # answered first, one a request
    always: int | None = None
    cut_after: int | None = None  # bytes of a body, then the connection is closed
    cuts: int = 10**9  # how often
    reset: bool = False
    stall_after: int | None = None
    stalls: int = 10**9
    extra_length: int = 0  # announced beyond the content
    no_length: bool = False
    redirect: str | None = None
    delay: float = 0.0  # before each block of 64 KiB
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    served: Counter[str] = field(default_factory=Counter)
    sent: Callable[[int], None] = lambda total: None
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, counter: str) -> bool:
        """Use up one of a countable fault."""
        with self.lock:
            left = getattr(self, counter)
            setattr(self, counter, max(0, left - 1))
            return bool(left)


@contextmanager
def serving(faults: Faults, tls: tuple[Path, Path] | None = None) -> Iterator[Faults]:
    """Serve `faults` on loopback until the block ends."""

    class Handler(_Handler):
        plan = faults

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients go away here by design
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    faults.address = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield faults
    finally:
        faults.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(folder: Path, days: int = 2, host: str = "localhost") -> tuple[Path, Path]:
    """Make a self-signed certificate for this machine and `host`, expired when `days` is negative."""
    from datetime import UTC, datetime, timedelta

    end = datetime.now(UTC) + timedelta(days=days)
    begin = end - timedelta(days=5)
    cert, key = folder / "cert.pem", folder / "key.pem"
    form = "%Y%m%d%H%M%SZ"
    settings = folder / "ca.cnf"
    (folder / "index").write_text("")
    settings.write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index\nserial={folder}/serial\nnew_certs_dir={folder}\n"
        "default_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n"
        f"[e]\nsubjectAltName=IP:127.0.0.1,IP:127.0.0.2,DNS:{host}\nbasicConstraints=CA:FALSE\n"
    )
    make = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        [*make, "-keyout", key, "-out", folder / "csr", "-subj", "/CN=127.0.0.1"],
        check=True,
        capture_output=True,
    )
    sign = [
        "openssl",
        "ca",
        "-batch",
        "-selfsign",
        "-create_serial",
        "-config",
        settings,
        "-in",
        folder / "csr",
    ]
    dates = ["-startdate", begin.strftime(form), "-enddate", end.strftime(form)]
    subprocess.run([*sign, "-keyfile", key, "-out", cert, *dates, "-notext"], check=True, capture_output=True)
    return cert, key


class _Handler(BaseHTTPRequestHandler):
    plan: Faults
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        plan = self.plan
        plan.requests.append((self.path, dict(self.headers)))
        with plan.lock:
            status, headers = plan.statuses.pop(0) if plan.statuses else (plan.always, {})
        if status is None and plan.redirect:
            status, headers = 302, {"Location": plan.redirect}
        if status is not None:
            self._answer(status, {**headers, "Content-Length": "0"})
            return
        self._send_content()

    def _send_content(self) -> None:
        plan = self.plan
        size = len(plan.content)
        start, stop, status = 0, size, 200
        headers = dict(plan.headers)
        asked = self.headers.get("Range")
        if asked and plan.ranges:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, stop, status = int(first), min(int(last) + 1 if last else size, size), 206
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
            if start >= size:
                self._answer(416, {"Content-Length": "0", "Content-Range": f"bytes */{size}"})
                return
        if plan.no_length:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(stop - start + plan.extra_length)
        if plan.etag:
            headers["ETag"] = plan.etag
        self._answer(status, headers)
        if self.command == "HEAD":
            return
        for position in range(start, stop, 65536):
            block = plan.content[position : min(position + 65536, stop)]
            if plan.delay and plan.released.wait(plan.delay):
                return
            if plan.cut_after is not None and position + len(block) > plan.cut_after and plan.took("cuts"):
                self._write(block[: max(0, plan.cut_after - position)])
                self._cut()
                return
            if (
                plan.stall_after is not None
                and position + len(block) > plan.stall_after
                and plan.took("stalls")
            ):
                plan.released.wait(20)
                self.close_connection = True
                return
            self._write(block)
        if plan.no_length:
            self.wfile.write(b"0\r\n\r\n")
        if plan.extra_length:
            self.close_connection = True

    def _write(self, block: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block) if self.plan.no_length and block else block)
        with self.plan.lock:
            self.plan.served["bytes"] += len(block)
        self.plan.sent(self.plan.served["bytes"])

    def _cut(self) -> None:
        import socket
        import struct

        self.wfile.flush()
        if self.plan.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""
