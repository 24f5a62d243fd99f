"""`python -m tests.bench.soak`: minutes of mixed clients on one server; nothing may be lost, fail or grow.

Valid, malformed, aborted and slow requests run side by side. Ends with 1 when a reply is missing or is a 5xx, when a
valid request is not answered as the model answers, or when memory grew by more than 5 MB after the warm-up.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

from tests.bench import machine, models, report
from tests.bench.cases import IRIS_ROW, OURS, PREDICT, Request, binary, instances, tensor
from tests.bench.environments import CACHE
from tests.bench.http import DOCUMENT
from tests.bench.servers import running

GROWTH = 5.0  # megabytes
INFER = PREDICT.replace("/v1/", "/v2/").replace(":predict", "/infer")
MALFORMED = (
    b"{", b"", b"[]", b'{"instances": []}', b'{"instances": [[1, 2]]}', b'{"instances": [[1, 2, 3, 4], [1]]}',
    b'{"instances": [["a", 1, 2, 3]]}', b'{"instances": [[null, 1, 2, 3]]}', b'{"inputs": [{"name": "x"}]}',
    b"\xff" * 300,
)  # fmt: skip
VALID = (
    Request(PREDICT, instances(IRIS_ROW)),
    Request(PREDICT, instances(IRIS_ROW * 200)),
    Request(INFER, tensor(IRIS_ROW)),
    binary(IRIS_ROW * 50),
)


class Soak:
    """The clients of one server, and what they saw."""

    def __init__(self, port: int, ends: float) -> None:
        self.port = port
        self.ends = ends
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self) -> None:
        """Let all clients run until the end."""
        clients = [self.valid() for _ in range(8)] + [self.malformed() for _ in range(2)]
        clients += [self.aborting() for _ in range(2)] + [self.slow() for _ in range(4)]
        await asyncio.gather(*clients)

    async def valid(self) -> None:
        """Repeat good requests on one connection, now and then a new one."""
        while time.monotonic() < self.ends:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            for _ in range(random.randrange(1, 400)):
                request = random.choice(VALID)
                writer.write(written(request.path, request.body, request.headers))
                status, body = await self.reply(reader)
                if status != 200 or (b"[0" not in body and b"octet" not in body and b"binary" not in body):
                    self.wrong.append(f"{request.path}: {status} {body[:200]!r}")
                self.seen["valid"] += 1
                await asyncio.sleep(0.002)
            writer.close()

    async def malformed(self) -> None:
        """Send what must be refused."""
        while time.monotonic() < self.ends:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            for _ in range(50):
                writer.write(written(random.choice((PREDICT, INFER)), random.choice(MALFORMED), {}))
                status, body = await self.reply(reader)
                if not 400 <= status < 500:
                    self.wrong.append(f"malformed: {status} {body[:200]!r}")
                self.seen["malformed"] += 1
                await asyncio.sleep(0.005)
            writer.close()

    async def aborting(self) -> None:
        """Go away in the middle: of the head, of the body, before the reply, between replies."""
        while time.monotonic() < self.ends:
            request = written(PREDICT, instances(IRIS_ROW * random.choice((1, 300))), {})
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(request * 2 + request[: random.randrange(len(request))])
            await asyncio.sleep(random.choice((0, 0.001, 0.01)))
            writer.transport.abort()
            self.seen["aborted"] += 1
            await asyncio.sleep(0.01)

    async def slow(self) -> None:
        """Send a request piece by piece, and read the reply late."""
        while time.monotonic() < self.ends:
            request = written(PREDICT, instances(IRIS_ROW * 20), {})
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            for begin in range(0, len(request), 60):
                writer.write(request[begin : begin + 60])
                await asyncio.sleep(0.05)
            status, body = await self.reply(reader)
            if status != 200:
                self.wrong.append(f"slow: {status} {body[:200]!r}")
            self.seen["slow"] += 1
            writer.close()

    async def reply(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        """Read one reply; one that does not come within a minute is lost."""
        try:
            async with asyncio.timeout(60):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split()[0])
                body = await reader.readexactly(length)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            self.wrong.append(f"a reply was lost: {type(error).__name__}")
            raise
        status = int(head.split()[1])
        self.seen[f"{status // 100}xx"] += 1
        if status >= 500:
            self.wrong.append(f"{status}: {body[:200]!r}")
        return status, body


def written(path: str, body: bytes, headers: object) -> bytes:
    """A request's bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: soak", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in dict(headers or {}).items()]  # type: ignore[call-overload]
    return "\r\n".join([*lines, "", ""]).encode() + body


def memory(pid: int) -> float:
    """Resident megabytes."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def main(arguments: list[str]) -> int:
    """Soak, print and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="(default: %(default)s)")
    parser.add_argument("--print-only", action="store_true", help="leave docs/benchmarks.md as it is")
    options = parser.parse_args(arguments)
    folder = models.folder(models.iris_logistic_regression, CACHE / "models")
    with running(OURS, VALID[0], folder, b"", None, CACHE / "logs" / "soak") as server:
        # Three tenths of the time: late imports and the buffers of all kinds of client come in the first two minutes.
        warm = Soak(server.port, time.monotonic() + 18 * options.minutes)
        asyncio.run(warm.run())
        before = memory(server.pid)
        soak = Soak(server.port, time.monotonic() + 54 * options.minutes)
        asyncio.run(soak.run())
        grown = memory(server.pid) - before
    wrong = [*warm.wrong, *soak.wrong]
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted((warm.seen + soak.seen).items()))
    verdict = "missed" if wrong or abs(grown) > GROWTH else "met"
    text = "\n".join(
        [
            "## Soak",
            "",
            f"{counts}; {len(wrong)} wrong or lost (goal 0); memory {before:.0f} MB after a warm-up",
            f"of {0.3 * options.minutes:g} minutes, {grown:+.1f} MB at the end (goal ±{GROWTH:g}): {verdict}.",
            "",
            f"{date.today():%Y-%m-%d}, `python -m tests.bench.soak --minutes {options.minutes:g}`:",
            "valid, malformed, aborted and slow clients side by side.",
            f"Machine: {machine.description()}.",
            "",
        ]
    )
    print(text, *wrong[:10], sep="\n")
    if not options.print_only:
        DOCUMENT.write_text(report.replace(DOCUMENT.read_text(), "soak", text))
    return 0 if verdict == "met" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
