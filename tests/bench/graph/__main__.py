"""Compare the router of graphs with KServe's: `make bench-graph`."""

import argparse
import compileall
import contextlib
import datetime
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import load, machine, report
from tests.bench.graph import routers
from tests.bench.graph.routers import Router
from tests.bench.load import ROOT, pin

KINDS = ("Sequence", "Ensemble")
GOALS = {1: 0.9, 16: 2.5, 64: 3.0}
GOAL_CPU, GOAL_MEMORY, GOAL_START = 60.0, 45.0, 150.0
BODY = b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}'
HEADERS = {
    "Content-Type": "application/json",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}
PORTS = (18471, 18472)
OUR_PORT = 18470
BARE_PORT = 18473
STARTS = 7


@dataclass
class Runs:
    """One router at one number of connections, round by round."""

    loads: list[load.Load] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # microseconds a request


@dataclass
class Figures:
    """One kind of graph."""

    runs: dict[tuple[str, int], Runs]
    memory: dict[str, float]
    opened: dict[str, int]  # connections to the services, over all rounds


def main() -> None:
    """Measure, print, and write the section of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--alone", action="store_true", help="ours alone, to work on it; writes nothing")
    parser.add_argument("--print-only", action="store_true", help="leave docs/benchmarks.md as it is")
    arguments = parser.parse_args()
    if not arguments.alone and taken(routers.KSERVE_PORT):
        elsewhere()
    compileall.compile_dir(str(ROOT / "server" / "kserve_lite_server"), quiet=1)  # as in the image
    cores, generator = machine.cores(), load.generator()
    with tempfile.TemporaryDirectory(prefix="bench-graph-") as folder:
        figures = {
            kind: measured(kind, arguments, cores.server, cores.load, generator, Path(folder))
            for kind in KINDS
        }
        starts = started(cores.server, Path(folder), alone=arguments.alone)
    text = "\n\n".join([*(table(kind, one) for kind, one in figures.items()), others(figures, starts)])
    print(text)
    if arguments.alone or arguments.print_only:
        return
    conditions = (
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, `make bench-graph`: {arguments.rounds} interleaved rounds of "
        f"{arguments.seconds} s; routers on one core, load and services on another. Ours with all that it has: "
        f"metrics, time-outs, headers of traces. Machine: {machine.description()}; load by {generator.name}. "
        "Peer: `github.com/kserve/kserve/cmd/router` v0.20.0, built from its module."
    )
    document = ROOT / "docs" / "benchmarks.md"
    section = f"## Router of inference graphs\n\n{text}\n\n{conditions}\n"
    document.write_text(report.replace(document.read_text(), "graph", section))


def taken(port: int) -> bool:
    """Whether another program listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def elsewhere() -> None:
    """Begin anew in a network of our own, where KServe's fixed port is free."""
    if os.geteuid() != 0:
        raise SystemExit(f"port {routers.KSERVE_PORT} is in use, and KServe's router listens nowhere else")
    again = [sys.executable, "-m", "tests.bench.graph", *sys.argv[1:]]
    os.execvp("unshare", ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *again])


def measured(
    kind: str,
    arguments: argparse.Namespace,
    core: int | None,
    load_core: int | None,
    generator: load.Generator,
    folder: Path,
) -> Figures:
    """Load both routers in turn."""
    backend = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.graph.backend", *map(str, PORTS)],
        cwd=ROOT,
        preexec_fn=lambda: pin(load_core),
    )
    urls = [f"http://127.0.0.1:{port}/v1/models/m:predict" for port in PORTS]
    with contextlib.ExitStack() as stack:
        stack.callback(backend.wait)
        stack.callback(backend.kill)
        running = [
            stack.enter_context(routers.ours(kind, urls, OUR_PORT, core, folder)),
            stack.enter_context(routers.bare(kind, PORTS, BARE_PORT, core)),
        ]
        if not arguments.alone:
            running.append(stack.enter_context(routers.kserves(kind, urls, core)))
        same_answers(running)
        figures = Figures(
            {(r.name, c): Runs() for r in running for c in GOALS}, {}, {r.name: 0 for r in running}
        )
        for router in running:
            push(router, generator, 64, 1, load_core)
        for number in range(arguments.rounds):
            for connections in GOALS:
                for router in running:
                    runs, opened = figures.runs[router.name, connections], connections_opened()
                    before = router.cpu()
                    runs.loads.append(push(router, generator, connections, arguments.seconds, load_core))
                    runs.cpu.append((router.cpu() - before) / runs.loads[-1].requests * 1e6)
                    figures.opened[router.name] += connections_opened() - opened
            print(f"{kind}: round {number + 1} of {arguments.rounds}", file=sys.stderr)
        figures.memory.update({router.name: router.memory() for router in running})
        same_answers(running)
    return figures


def push(
    router: Router, generator: load.Generator, connections: int, seconds: int, core: int | None
) -> load.Load:
    """Load one router."""
    return load.run(generator, router.url, BODY, HEADERS, connections, seconds, core)


def same_answers(running: list[Router]) -> None:
    """Ask every router once; all must say the same."""
    answers = []
    for router in running:
        request = urllib.request.Request(router.url, BODY, HEADERS)
        with urllib.request.urlopen(request, timeout=30) as answer:
            answers.append(json.loads(answer.read()))
    if any(answer != answers[0] for answer in answers):
        raise SystemExit(f"the routers differ: {answers}")


def connections_opened() -> int:
    """How many connections the services have seen so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{PORTS[0]}/", timeout=30) as answer:
        return int(answer.read())


def started(core: int | None, folder: Path, *, alone: bool) -> dict[str, list[float]]:
    """Milliseconds from each router's process to its first answer, in turn."""
    urls = [f"http://127.0.0.1:{port}/" for port in PORTS]
    found: dict[str, list[float]] = {}
    for _ in range(STARTS):
        each = [
            routers.ours("Sequence", urls, OUR_PORT, core, folder),
            routers.bare("Sequence", PORTS, BARE_PORT, core),
        ]
        if not alone:
            each.append(routers.kserves("Sequence", urls, core))
        for one in each:
            with one as router:
                found.setdefault(router.name, []).append(router.start * 1000)
            time.sleep(0.1)  # the next one's port is free again
    return found


def table(kind: str, figures: Figures) -> str:
    """The requests per second of one kind."""
    title = {"Sequence": "Sequence of two steps", "Ensemble": "Ensemble of two steps"}[kind]
    lines = [
        f"| {title}, connections | KServe req/s (CPU µs) | kserve-lite req/s (CPU µs) "
        "| ratio (lowest to highest round) | goal | |",
        "|---|---|---|---|---|---|",
    ]
    for connections, goal in GOALS.items():
        own = figures.runs["kserve-lite", connections]
        cell = f"{statistics.median(one.rate for one in own.loads):,.0f} ({statistics.median(own.cpu):.0f})"
        if ("KServe", connections) not in figures.runs:
            lines.append(f"| {connections} | | {cell} | | {goal}x | |")
            continue
        peer = figures.runs["KServe", connections]
        theirs = (
            f"{statistics.median(one.rate for one in peer.loads):,.0f} ({statistics.median(peer.cpu):.0f})"
        )
        ratios = report.ratios(own.loads, peer.loads)
        ratio = statistics.median(ratios)
        span = f"**{ratio:.2f}x** ({min(ratios):.2f} to {max(ratios):.2f})"
        verdict = "met" if ratio >= goal else "missed"
        lines.append(f"| {connections} | {theirs} | {cell} | {span} | {goal}x | {verdict} |")
    return "\n".join(lines)


def others(figures: dict[str, Figures], starts: dict[str, list[float]]) -> str:
    """CPU, memory, start and connections, beside their goals."""

    def cpu(name: str) -> float:
        return max(
            statistics.median(runs.cpu)
            for one in figures.values()
            for (who, connections), runs in one.runs.items()
            if who == name and connections > 1
        )

    names = [name for name in starts if name != "bare"]
    start = {name: statistics.median(times) for name, times in starts.items()}
    rows: list[tuple[str, dict[str, float], float | None]] = [
        ("CPU a request at 16 and 64 connections, the dearer kind (µs)", {n: cpu(n) for n in names}, GOAL_CPU),
        (
            "resident memory after the load (MB)",
            {n: max(one.memory[n] for one in figures.values()) for n in names},
            GOAL_MEMORY,
        ),
        ("start to first answer, median (ms)", {n: start[n] for n in names}, GOAL_START),
        ("of these, what forwards and does nothing else needs (ms)", {"kserve-lite": start["bare"]}, None),
        (
            "connections opened to one service, for all requests",
            {n: max(one.opened[n] for one in figures.values()) for n in names},
            None,
        ),
        (
            "requests meanwhile",
            {n: sum(sum(r.requests for r in runs.loads) for (who, _), runs in figures["Sequence"].runs.items()
                    if who == n) for n in names},
            None,
        ),
    ]  # fmt: skip
    rows.insert(
        1,
        (
            "of these, what forwards and does nothing else needs on this event loop (µs)",
            {"kserve-lite": cpu("bare")},
            None,
        ),
    )
    lines = ["| | KServe | kserve-lite | goal | |", "|---|---|---|---|---|"]
    for what, values, goal in rows:
        own = values["kserve-lite"]
        theirs = f"{values['KServe']:,.0f}" if "KServe" in values else ""
        verdict = "" if goal is None else "met" if own <= goal else "missed"
        lines.append(
            f"| {what} | {theirs} | {own:,.0f} | {'' if goal is None else f'{goal:g}'} | {verdict} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
