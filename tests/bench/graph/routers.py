"""Our router and KServe's, each with the same graph, pinned to one core, and what the system knows of them."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.load import ROOT, pin
from tools.build import program

KSERVE_PORT = 8080
"""KServe's router listens here and nowhere else."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Router:
    """A running router."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    start: float  # seconds from the process to the first answer of its readiness page

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def cpu(self) -> float:
        """Seconds of CPU so far, of all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> float:
        """Resident memory in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise AssertionError("the process has ended")


@contextlib.contextmanager
def ours(kind: str, urls: Sequence[str], port: int, core: int | None, folder: Path) -> Iterator[Router]:
    """Run our router as its image does; its flags are those that the controller gives."""
    file = folder / f"{kind}.json"
    steps = [{"name": f"s{number}", "url": url} for number, url in enumerate(urls)]
    if kind == "Sequence":
        steps[1] |= {"response": True}  # type: ignore[dict-item]
    file.write_text(json.dumps({"name": "bench", "nodes": {"root": {"type": kind, "steps": steps}}}))
    flags = ["--graph", str(file), "--host", "127.0.0.1", "--http_port", str(port), "--log_format", "json"]
    command = [sys.executable, "-m", "kserve_lite_server.graph", *flags]
    with _running("kserve-lite", command, port, "/readyz", core) as router:
        yield router


@contextlib.contextmanager
def bare(kind: str, services: Sequence[int], port: int, core: int | None) -> Iterator[Router]:
    """Run what forwards and does nothing else."""
    command = [sys.executable, "-m", "tests.bench.graph.bare", kind, str(port), *map(str, services)]
    with _running("bare", command, port, "/readyz", core) as router:
        yield router


@contextlib.contextmanager
def kserves(kind: str, urls: Sequence[str], core: int | None) -> Iterator[Router]:
    """Run the router of KServe v0.20, built from its Go module."""
    steps = [{"name": f"s{number}", "serviceUrl": url} for number, url in enumerate(urls)]
    if kind == "Sequence":
        steps[1] |= {"data": "$response"}
    graph = json.dumps({"nodes": {"root": {"routerType": kind, "steps": steps}}})
    command = [str(program("kserve-router")), "--graph-json", graph]
    with _running("KServe", command, KSERVE_PORT, "/readyz", core) as router:
        yield router


@contextlib.contextmanager
def _running(name: str, command: list[str], port: int, probe: str, core: int | None) -> Iterator[Router]:
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: pin(core),
    )
    try:
        while not _answers(port, probe):
            if process.poll() is not None or time.perf_counter() - began > 60:
                raise SystemExit(f"{name} does not answer on port {port}: {command}")
            time.sleep(0.002)  # the resolution of the figure
        yield Router(name, process, port, time.perf_counter() - began)
    finally:
        process.kill()
        process.wait()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
