"""A controller as a process of its own, and what the kernel and its metrics say about it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tools.apiserver import free_port

TICKS = os.sysconf("SC_CLK_TCK")
_REQUESTS = re.compile(
    r'^kserve_lite_api_requests_total\{resource="([^"]+)",verb="([^"]+)"\} ([\d.e+]+)', re.MULTILINE
)
_RECONCILES = re.compile(
    r'^controller_runtime_reconcile_total\{controller="inferenceservice",.*\} ([\d.e+]+)', re.MULTILINE
)
_DEPTH = re.compile(r'^workqueue_depth\{name="inferenceservice"\} ([\d.e+]+)', re.MULTILINE)
_LEADS = 'leader_election_master_status{name="kserve-lite"} 1.0'
READING = frozenset({"get", "list", "watch"})


class Process:
    """What the kernel knows of a process that was started here."""

    process: subprocess.Popen[bytes]
    log: Path

    def stop(self, number: int = signal.SIGTERM) -> float:
        """End it; return how long that took."""
        began = time.monotonic()
        if self.process.poll() is not None:
            return 0.0
        self.process.send_signal(number)
        self.process.wait(timeout=60)
        return time.monotonic() - began

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, which: str = "VmRSS") -> float:
        """Resident memory in MB (1,000,000 bytes); VmHWM is its peak."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{which}:\s+(\d+) kB", status, re.MULTILINE)
        assert found is not None
        return int(found.group(1)) * 1024 / 1e6


@dataclass
class Controller(Process):
    """`kserve-lite controller` on loopback; `prefix` is a command in front of it, such as one that limits it."""

    kubeconfig: Path
    log: Path
    prefix: tuple[str, ...] = ()

    def start(self) -> Controller:
        """Start the process and return at once; `ready` waits for its first lists."""
        self.port = free_port()
        self.began = time.monotonic()
        command = [*self.prefix, sys.executable, "-m", "kserve_lite", "controller", f"--kubeconfig={self.kubeconfig}",
                   f"--address=127.0.0.1:{self.port}", "--log-level=warning"]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return self

    def ready(self, seconds: float = 120) -> float:
        """Wait until it has listed everything and leads; return seconds since the start."""
        wait(lambda: self._ask("/readyz") is not None, seconds)
        wait(lambda: _LEADS in (self._ask("/metrics") or ""), seconds)
        return time.monotonic() - self.began

    def requests(self) -> dict[tuple[str, str], int]:
        """Requests so far by verb and resource, those for the Lease left out."""
        text = self._ask("/metrics") or ""
        found = {(verb, resource): int(float(count)) for resource, verb, count in _REQUESTS.findall(text)}
        return {key: count for key, count in found.items() if not key[1].startswith("leases")}

    def writes(self) -> int:
        """Requests so far that change something, those for the Lease left out."""
        return sum(count for (verb, _), count in self.requests().items() if verb not in READING)

    def progress(self) -> tuple[int, int]:
        """Reconciles so far and keys in the queue, by one question: answering takes the controller a millisecond."""
        text = self._ask("/metrics") or ""
        done, waiting = (int(sum(map(float, what.findall(text)))) for what in (_RECONCILES, _DEPTH))
        return done, waiting

    def settled(self, quiet: float = 8.0, patience: float = 900.0) -> float:
        """Wait until nothing asked for a look for `quiet` seconds; return when that began (monotonic).

        Deployments report at the pace of Kubernetes' own controllers, 20 a second: a share of a core would call it
        settled in the middle of that.
        """
        end = time.monotonic() + patience
        since, before = time.monotonic(), self.progress()
        while time.monotonic() < end:
            time.sleep(quiet / 2)  # each question costs it a millisecond
            if (now := self.progress()) != before or now[1]:
                since, before = time.monotonic(), now
            elif time.monotonic() - since >= quiet:
                return since
        raise TimeoutError(f"not settled within {patience:.0f} s")

    def _ask(self, path: str) -> str | None:
        return answers(self, f"http://127.0.0.1:{self.port}{path}")


def answers(process: Process, url: str) -> str | None:
    """What a running process says at a URL; None while it says nothing."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())
    except OSError:
        assert process.process.poll() is None, (
            f"it ended with status {process.process.poll()}: see {process.log}"
        )
        return None


def wait(done: object, seconds: float) -> None:
    """Wait for a condition; raises `TimeoutError`."""
    assert callable(done)
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:.0f} s")
        time.sleep(0.05)
