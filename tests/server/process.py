"""A real server process on a loopback port, and a small client for it."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    process: subprocess.Popen[str]
    port: int
    lines: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request on a connection of its own; a body that is not bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, data, named)
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.ask("POST", path, body, **headers)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def stop(self, number: int = signal.SIGTERM, timeout: float = 20) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout)

    def log(self) -> str:
        return "\n".join(self.lines)


@contextmanager
def serving(
    model_dir: Path, *flags: str, env: dict[str, str] | None = None, within: Sequence[str] = ()
) -> Iterator[Server]:
    """Start a server, by the command `within` if there is one; wait until it says that it serves, end it
    afterwards."""
    command = [
        *within,
        sys.executable,
        "-m",
        "kserve_lite_server",
        f"--model_dir={model_dir}",
        "--http_port=0",
    ]
    command += ["--host=127.0.0.1", "--enable_grpc=false", "--log_format=json", *flags]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(env or {})},
    )
    server = Server(process, 0)
    reader = threading.Thread(target=lambda: server.lines.extend(process.stderr or ()), daemon=True)
    reader.start()
    try:
        server.port = _await_port(server)
        yield server
        if process.poll() is None:
            process.terminate()
            process.wait(20)
        reader.join(5)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stderr:
            process.stderr.close()


def refused(*flags: str) -> tuple[int, str]:
    """Start a server that must not start; its exit status and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "kserve_lite_server", "--http_port=0", "--enable_grpc=false", *flags],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def until(condition: Any, timeout: float = 20.0) -> None:
    """Wait on a condition."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("the condition was not met in time")
        time.sleep(0.01)


def _await_port(server: Server) -> int:
    found: list[str] = []

    def said() -> bool:
        found.extend(re.findall(r"on http://(?:127\.0\.0\.1|\[::1\]):(\d+)", server.log()))
        return bool(found) or server.process.poll() is not None

    until(said, timeout=180)
    assert found, f"the server did not start: {server.log()}"
    return int(found[0])
