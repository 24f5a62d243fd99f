"""Fetch the same objects from the same S3 server with our storage step and with KServe's: `make bench-storage`."""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import obstore
from obstore.store import S3Store

from kserve_lite.local import ports
from tests.bench import environments, machine, report
from tests.storage_servers.conftest import running
from tools.build import program

ROOT = Path(__file__).parents[2]
PEER = "storage/kserve"
CALL = "import sys; from kserve_storage import Storage; Storage.download(sys.argv[1], sys.argv[2])"
MIB = 1 << 20


@dataclass(frozen=True)
class Case:
    """What is fetched, and what the ratio to the peer should be."""

    name: str
    prefix: str
    files: int
    size: int
    delay: float  # seconds added to every request, as a network far away does
    goal: float


CASES = (
    Case("1 GiB in one file", "large", 1, 1024 * MIB, 0.0, 2.5),
    Case("2,000 files of 100 KiB", "small", 2000, 100 << 10, 0.0, 5.0),
    Case("300 files of 100 KiB, 50 ms away", "far", 300, 100 << 10, 0.05, 4.0),
)
GOAL_MEMORY = 64 * MIB
GOAL_START = 0.1  # seconds from the start of the process until a small model of this machine is published
STARTS = 15


@dataclass
class Runs:
    """Seconds and peak memory, round by round."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    our_memory: list[int] = field(default_factory=list)
    their_memory: list[int] = field(default_factory=list)


def main() -> None:
    """Measure all cases, print the table and write its section of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--print-only", action="store_true", help="leave docs/benchmarks.md as it is")
    arguments = parser.parse_args()
    environments.build(PEER)
    with tempfile.TemporaryDirectory(prefix="bench-storage-") as name, _server(Path(name)) as port:
        lines = [_line(case, _measured(case, port, Path(name), arguments.rounds)) for case in CASES]
        start = _start(Path(name))
    table = "\n".join(
        [
            "| fetched from MinIO | ours | kserve-storage | ratio (range) | goal | peak memory, ours / theirs |",
            "|---|---|---|---|---|---|",
            *lines,
        ]
    )
    print(f"{table}\n\n{start}")
    if not arguments.print_only:
        document = ROOT / "docs" / "benchmarks.md"
        section = (
            f"## Storage\n\n`make bench-storage`: {arguments.rounds} interleaved rounds of whole processes, start "
            f"included, against one MinIO on the same machine ({machine.description()}). Ours also computes every "
            "SHA-256 and publishes atomically. Memory is that of the process with all its children (PSS); goal "
            f"{GOAL_MEMORY // MIB} MiB.\n\n{table}\n\n{start}\n"
        )
        document.write_text(report.replace(document.read_text(), "storage", section))


def _measured(case: Case, port: int, folder: Path, rounds: int) -> Runs:
    runs = Runs()
    with _far_away(port, case.delay) as reached:
        for number in range(rounds):
            print(f"{case.name}: round {number + 1}", file=sys.stderr)
            uri, dest = f"s3://models/{case.prefix}", folder / "dest"
            command = [sys.executable, "-m", "kserve_lite_server.storage", uri, str(dest)]
            seconds, memory = _timed(command, reached, dest, case)
            runs.ours.append(seconds)
            runs.our_memory.append(memory)
            command = [str(environments.python_of(PEER)), "-c", CALL, uri, str(dest)]
            seconds, memory = _timed(command, reached, dest, case)
            runs.theirs.append(seconds)
            runs.their_memory.append(memory)
    return runs


def _timed(command: list[str], port: int, dest: Path, case: Case) -> tuple[float, int]:
    """Run one fetch into an empty folder; every byte must have come."""
    subprocess.run(["rm", "-rf", dest], check=True)
    dest.mkdir()
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": "not-so-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(0.03)  # the interval of a measurement, not a wait
    seconds = time.monotonic() - began
    sizes = [
        file.stat().st_size for file in dest.rglob("*") if file.is_file() and not file.name.startswith(".")
    ]
    if process.returncode or (len(sizes), sum(sizes)) != (case.files, case.files * case.size):
        raise SystemExit(
            f"{command[:3]} fetched {len(sizes)} files and {sum(sizes)} bytes, code {process.returncode}"
        )
    return seconds, peak


def _start(folder: Path) -> str:
    """Say how long a small model of this machine takes, beside what an empty Python process takes."""
    (folder / "local").mkdir()
    (folder / "local" / "model.joblib").write_bytes(os.urandom(100 << 10))
    fetch = [sys.executable, "-m", "kserve_lite_server.storage", (folder / "local").as_uri()]
    ours: list[float] = []
    empty: list[float] = []
    for number in range(STARTS):
        for command, times in (
            ([*fetch, str(folder / f"started-{number}")], ours),
            ([sys.executable, "-c", "pass"], empty),
        ):
            began = time.monotonic()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            times.append(time.monotonic() - began)
    verdict = "met" if statistics.median(ours) < GOAL_START else "missed"
    return (
        f"A `file://` model of 100 KiB is published {statistics.median(ours) * 1000:.0f} ms after the process began "
        f"(median of {STARTS}; an empty Python process takes {statistics.median(empty) * 1000:.0f} ms); "
        f"goal {GOAL_START * 1000:.0f} ms: {verdict}."
    )


def _memory(pid: int) -> int:
    """Return the proportional memory of a process and its children, in bytes."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) << 10
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(_memory(int(child)) for child in (task / "children").read_text().split())
    except OSError:
        pass  # it has ended
    return total


def _line(case: Case, runs: Runs) -> str:
    ratios = [theirs / ours for ours, theirs in zip(runs.ours, runs.theirs, strict=True)]
    median = statistics.median(ratios)
    verdict = "met" if median >= case.goal else "missed"
    return (
        f"| {case.name} | {statistics.median(runs.ours):.2f} s | {statistics.median(runs.theirs):.2f} s "
        f"| {median:.1f}x ({min(ratios):.1f} to {max(ratios):.1f}) | {case.goal:g}x: {verdict} "
        f"| {max(runs.our_memory) // MIB} / {max(runs.their_memory) // MIB} MiB |"
    )


@contextmanager
def _server(folder: Path) -> Iterator[int]:
    """Run MinIO with the objects of all cases; its first read of each is warm, for both sides alike."""
    port = ports.free(1)[0]
    (folder / "minio" / "models").mkdir(parents=True)
    command: list[object] = [program("minio"), "server", "--quiet", "--address", f"127.0.0.1:{port}"]
    with running(
        [*command, folder / "minio"],
        port,
        folder,
        MINIO_ROOT_USER="tester",
        MINIO_ROOT_PASSWORD="not-so-secret",
    ):
        client = S3Store(
            "models",
            endpoint=f"http://127.0.0.1:{port}",
            access_key_id="tester",
            secret_access_key="not-so-secret",
            client_options={"allow_http": True},
        )
        for case in CASES:
            content = os.urandom(MIB) * (case.size // MIB) if case.size >= MIB else os.urandom(case.size)
            for number in range(case.files):
                obstore.put(client, f"{case.prefix}/file-{number:04}.bin", content)
        yield port


@contextmanager
def _far_away(port: int, delay: float) -> Iterator[int]:
    """Return a port that leads to `port`, with every request held back for `delay` seconds."""
    if not delay:
        yield port
        return
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait: float) -> None:
        try:
            while block := await reader.read(65536):
                await asyncio.sleep(wait)
                writer.write(block)
                await writer.drain()
        except ConnectionError:
            pass  # either end may go first
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(forward(reader, back, delay), forward(there, writer, 0))

    async def serve() -> None:
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        found.append(server.sockets[0].getsockname()[1])
        ready.set()

    task = loop.create_task(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield found[0]
    finally:
        task.cancel()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


if __name__ == "__main__":
    main()
