"""Load generators: wrk where it is installed, else a generator of our own, with one result for both."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


class LoadError(Exception):
    """The load generator failed, or a request of it did."""


@dataclass(frozen=True)
class Load:
    """What one stretch of load saw. Latencies in microseconds."""

    requests: int
    failed: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Generator:
    """A program that repeats one request over keep-alive connections and prints what it saw as JSON."""

    name: str
    command: tuple[str, ...]


OWN = Generator("an asyncio generator of our own", (sys.executable, "-m", "tests.bench.load_asyncio"))


def generator(*, grpc: bool = False) -> Generator:
    """Return the fastest load generator of this machine. Raises LoadError where there is none for gRPC."""
    if grpc:
        return _h2load()
    if wrk := shutil.which("wrk"):
        version = subprocess.run([wrk, "--version"], capture_output=True, text=True, check=False).stdout
        return Generator(" ".join(version.split()[:2]), (sys.executable, "-m", "tests.bench.load_wrk", wrk))
    return OWN


def _h2load() -> Generator:
    h2load = shutil.which("h2load")
    if h2load is None:
        raise LoadError("gRPC is loaded by h2load: apt-get install nghttp2-client")
    version = subprocess.run([h2load, "--version"], capture_output=True, text=True, check=False).stdout
    return Generator(version.strip(), (sys.executable, "-m", "tests.bench.load_h2load", h2load))


def run(
    generator: Generator,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    connections: int,
    seconds: int,
    core: int | None,
    reply_bytes: int = 0,
) -> Load:
    """Keep `connections` busy for `seconds`, return what was seen; raises LoadError if a request fails.

    `reply_bytes`, for gRPC: the size of an answer, by which h2load's failures are known.
    """
    order = {
        "url": url,
        "body": body.decode("latin-1"),
        "headers": dict(headers),
        "connections": connections,
        "seconds": seconds,
        "reply_bytes": reply_bytes,
    }
    process = subprocess.run(
        generator.command,
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 60,
        cwd=ROOT,
        preexec_fn=lambda: pin(core),
    )
    if process.returncode != 0:
        raise LoadError(
            f"{generator.name} on {url} ended with {process.returncode}: {process.stderr.strip()}"
        )
    load = parse(process.stdout)
    if load.failed or not load.requests:
        raise LoadError(f"{url} at {connections} connections: {load.failed} failed, {load.requests} answered")
    return load


def parse(output: str) -> Load:
    """Read the last line of a generator's output."""
    lines = output.strip().splitlines()
    try:
        return Load(**json.loads(lines[-1]))
    except (IndexError, ValueError, TypeError) as error:
        raise LoadError(f"the load generator's last line is no result: {output[-200:]!r}") from error


def pin(core: int | None) -> None:
    """Bind the calling process to one core, where the system can."""
    if core is not None:
        os.sched_setaffinity(0, {core})
