"""The figures of one run, beside those of KServe's manager and the goals."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import machine, report

DOCUMENT = Path(__file__).parents[3] / "docs" / "benchmarks.md"

# Measured in November 2026 by the same method on a machine of the same size: KServe v0.20-dev, two children each.
KSERVE = {
    "last child": "85–107 s", "requests": "33–43, of them 21–27 reads", "CPU": "40–57 ms", "RSS": "64 / 150 MB",
    "restart": "35–44 s, 1,000–2,000 PUTs", "rest": "0 writes/min, 1.5–2 ms/s", "delete": "21–43 s; never",
    "limited": "18.8 s",
}  # fmt: skip


@dataclass
class Figures:
    """Seconds, MB, milliseconds; what was not measured stays None."""

    services: int
    lists: dict[str, int] = field(default_factory=dict)
    cpu_before: float = 0.0
    last_child: float = 0.0
    load: float = 0.0  # of the whole machine, at the last child
    p50: float = 0.0
    p99: float = 0.0
    cpu_last_child: float = 0.0
    cpu_settled: float = 0.0
    requests: int = 0
    reads: int = 0
    memory_empty: float = 0.0
    memory: float = 0.0
    memory_peak: float = 0.0
    rest_writes: float = 0.0
    rest_cpu: float = 0.0
    stopping: float = 0.0
    restart: float = 0.0
    restart_cpu: float = 0.0
    restart_writes: int = 0
    delete: float = 0.0
    delete_dead: float = 0.0
    limited: float = 0.0
    limited_services: int = 0
    peer_services: int = 0
    peer_theirs: float = 0.0
    peer_deleted: float = 0.0
    peer_ours: float = 0.0

    def table(self) -> str:
        """Return the figures as a Markdown table."""
        n = self.services
        rows = [
            (f"{n:,} services to the last child (p50 / p99 of one)", KSERVE["last child"],
             f"{self.last_child:.1f} s ({self.p50:.1f} / {self.p99:.1f} s)", "40 s", self.last_child <= 40),
            ("API requests a service until settled; of them reads", KSERVE["requests"],
             f"{self.requests / n:.1f}; {self.reads}", "5; 0", self.requests <= 5 * n and not self.reads),
            ("CPU a service: to the last child, settled", KSERVE["CPU"],
             f"{self.cpu_last_child / n * 1e3:.1f}, {self.cpu_settled / n * 1e3:.1f} ms", "12 ms",
             self.cpu_settled / n <= 0.012),
            (f"RSS empty / holding {n:,} (peak of a restart)", KSERVE["RSS"],
             f"{self.memory_empty:.0f} / {self.memory:.0f} MB ({self.memory_peak:.0f})", "60 / 110 MB",
             self.memory_empty <= 60 and self.memory <= 110),
            (f"restart with {n:,} present, CPU of it (SIGTERM to its end)", KSERVE["restart"],
             f"{self.restart:.1f} s, {self.restart_cpu:.1f} s ({self.stopping:.2f} s), {self.restart_writes} writes",
             "3 s, 0 writes",
             self.restart <= 3 and not self.restart_writes),
            ("at rest", KSERVE["rest"], f"{self.rest_writes:.0f} writes/min, {self.rest_cpu:.1f} ms/s", "0; 3 ms/s",
             not self.rest_writes and self.rest_cpu <= 3),
            (f"delete {n:,}: controller alive; dead", KSERVE["delete"],
             f"{self.delete:.1f} s; {self.delete_dead:.1f} s", "6 s",
             self.delete <= 6 and self.delete_dead <= 6),
        ]  # fmt: skip
        if self.limited_services:
            rows.append((f"{self.limited_services} services under 100m CPU, 300Mi", KSERVE["limited"],
                         f"{self.limited:.1f} s", "18 s", self.limited <= 18))  # fmt: skip
        if self.peer_services:
            ratio = self.peer_ours / self.peer_theirs
            rows.insert(1, (f"{self.peer_services:,} services to the last child, one after the other in one run",
                            f"{self.peer_theirs:.1f} s (deleted in {self.peer_deleted:.1f} s)",
                            f"{self.peer_ours:.1f} s: {ratio:.2f}x", "0.4x", ratio <= 0.4))  # fmt: skip
        head = "| | KServe's manager | kserve-lite | goal | |\n|---|---|---|---|---|\n"
        return head + "".join(
            f"| {what} | {theirs} | **{ours}** | {goal} | {'met' if met else 'missed'} |\n"
            for what, theirs, ours, goal, met in rows
        )


def write(figures: Figures) -> None:
    """Put the table into its section of docs/benchmarks.md."""
    title = f"## Controller: {figures.services:,} InferenceServices\n\n"
    note = (
        f"\n{datetime.now(UTC):%Y-%m-%d}, `make bench-controller`; {machine.description()}. "
        f"Load average at the last child: {figures.load:.0f}; what runs beside shows in seconds, and in CPU too. "
        "KServe's other figures are fixed: taken by the same method on a machine of the same size, not in this run.\n"
    )
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(
        report.replace(document, "controller", title + figures.table() + note), encoding="utf-8"
    )
