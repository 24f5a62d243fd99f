"""Start the servers of a case on one core, wait until each answers, and end every process of them."""

import contextlib
import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kserve_lite.local import ports
from tests.bench import grpc_cases, load
from tests.bench.cases import Launch, Request, Server

START_SECONDS = 120
STOP_SECONDS = 10


class ServerError(Exception):
    """A server did not start, or answered otherwise than it should."""


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    server: Server
    port: int
    pid: int
    reply: bytes
    """Its answer to the case's request."""

    def url(self, request: Request) -> str:
        return f"http://127.0.0.1:{self.port}{request.path}"


@contextlib.contextmanager
def running(
    server: Server, request: Request, model_dir: Path, reply: bytes, core: int | None, logs: Path
) -> Iterator[Running]:
    """Start `server`, yield it once it answers `request`, and leave no process of it behind."""
    port = ports.free(1)[0]
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{server.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.command(Launch(model_dir, port, reply)),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: load.pin(core),
            env=environment(),
        )
    try:
        yield Running(server, port, process.pid, first_answer(process, port, request, log))
    finally:
        end(process)


def environment() -> dict[str, str]:
    """This process's environment, but bytecode is kept as in an image; in containers it is often forbidden."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def first_answer(process: subprocess.Popen[bytes], port: int, request: Request, log: Path) -> bytes:
    """Ask until the server answers 200; raises ServerError with the end of its log when it never does."""
    deadline = time.monotonic() + START_SECONDS
    last = "no connection"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            status, body = ask(port, request)
        except (OSError, http.client.HTTPException) as error:
            last = str(error)
        else:
            if status == 200:
                return body
            last = f"{status} {body[:200]!r}"
        time.sleep(0.05)
    tail = log.read_text(errors="replace")[-2000:]
    raise ServerError(
        f"{log.stem} does not answer ({last}; exit code {process.poll()}). Its log ends:\n{tail}"
    )


def ask(port: int, request: Request) -> tuple[int, bytes]:
    """Send the request once and return status and body."""
    if request.grpc:
        return grpc_cases.ask(port, request.path, request.body)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("POST", request.path, request.body, dict(request.headers))
        response = connection.getresponse()
        return response.status, response.read()


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process and everything it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
