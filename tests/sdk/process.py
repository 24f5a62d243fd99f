"""Programs that serve models of their own, as processes on loopback ports."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kserve_lite.local import ports

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 300.0  # for a busy machine: how long a test waits is no verdict


@dataclass
class Running:
    process: subprocess.Popen[str]
    port: int
    grpc_port: int
    lines: list[str] = field(default_factory=list)

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        """One request; a body that is not bytes is sent as JSON. Status, body (JSON if it is), headers."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, named)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, _parsed(answer.read()), _lower(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, _parsed(error.read()), _lower(error.headers)

    def predict(self, name: str, instances: Any, **headers: str) -> tuple[int, Any, dict[str, str]]:
        return self.ask(f"/v1/models/{name}:predict", {"instances": instances}, **headers)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def log(self) -> str:
        return "".join(self.lines)


@contextmanager
def program(
    script: str | Path,
    *flags: str,
    name: str = "m",
    python: str | Path = sys.executable,
    one_port: bool = False,
    **env: str,
) -> Iterator[Running]:
    """Run a program (a file of programs/, a path, or `-m` and a module) until the block ends."""
    command = (
        ["-m", script.removeprefix("-m ")] if str(script).startswith("-m ") else [str(PROGRAMS / script)]
    )
    http_port, grpc_port = ports.free(1) * 2 if one_port else ports.free(2)
    process = subprocess.Popen(
        [
            str(python),
            *command,
            f"--model_name={name}",
            f"--http_port={http_port}",
            f"--grpc_port={grpc_port}",
            *flags,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "KSERVE_LITE_HOST": "127.0.0.1", "KSERVE_LITE_LOG_FORMAT": "json", **env},
    )
    running = Running(process, http_port, grpc_port)
    reader = threading.Thread(target=lambda: running.lines.extend(process.stderr or ()), daemon=True)
    reader.start()
    try:
        until(lambda: process.poll() is not None or answers(running))
        assert process.poll() is None, running.log()
        yield running
        if process.poll() is None:
            running.end()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        reader.join(5)
        if process.stderr:
            process.stderr.close()


def answers(running: Running) -> bool:
    """Whether both ports are open."""
    for port in (running.port, running.grpc_port):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return False
    return True


def until(condition: Any, timeout: float = PATIENCE) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(0.02)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
