"""`python -m tests.bench.start`: from the start of a process to its first answer, and its memory then, in rounds.

Compares our server with KServe's, and with the bare cost of a script that serves nothing: importing scikit-learn,
unpickling the model, one predict. Writes a section of docs/benchmarks.md.
"""

import argparse
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from tests.bench import machine, models, report
from tests.bench.cases import IRIS_ROW, KSERVE, OURS, PREDICT, Request, Server, instances
from tests.bench.environments import CACHE, build
from tests.bench.http import DOCUMENT
from tests.bench.servers import environment, running

REQUEST = Request(PREDICT, instances(IRIS_ROW))
BARE = "import joblib, sys; print(joblib.load(sys.argv[1]).predict([[5.1, 3.5, 1.4, 0.2]]))"
SECONDS, SHARE_OF_KSERVE, TIMES_BARE, MEGABYTES = 1.5, 0.55, 1.15, 170


def main(arguments: list[str]) -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--print-only", action="store_true", help="leave docs/benchmarks.md as it is")
    options = parser.parse_args(arguments)
    build("kserve")
    folder = models.folder(models.iris_logistic_regression, CACHE / "models")
    bare: list[float] = []
    seconds: dict[str, list[float]] = {"ours": [], "KServe": []}
    memory: dict[str, list[float]] = {"ours": [], "KServe": []}
    for number in range(options.rounds + 1):  # the first round only warms the disk's cache and compiles
        for name, server in (("ours", OURS), ("KServe", KSERVE)):
            took, held = start(server, folder)
            seconds[name].append(took)
            memory[name].append(held)
        began = time.monotonic()
        command = [sys.executable, "-c", BARE, str(folder / "model.joblib")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment())
        bare.append(time.monotonic() - began)
        print(f"  round {number} of {options.rounds}", file=sys.stderr, flush=True)
    text = section(seconds, memory, bare, options.rounds)
    print(text)
    if not options.print_only:
        DOCUMENT.write_text(report.replace(DOCUMENT.read_text(), "start", text))
    return 0


def start(server: Server, folder: Path) -> tuple[float, float]:
    """Return the seconds until the first answer, and the process's resident megabytes then."""
    began = time.monotonic()
    with running(server, REQUEST, folder, b"", None, CACHE / "logs" / "start") as found:
        took = time.monotonic() - began
        status = Path(f"/proc/{found.pid}/status").read_text()
        return took, int(status.split("VmRSS:")[1].split()[0]) / 1024


def section(
    seconds: dict[str, list[float]], memory: dict[str, list[float]], bare: list[float], rounds: int
) -> str:
    """Return the section; medians of the rounds but for the first, ratios round by round."""
    took = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    held = {name: statistics.median(values[1:]) for name, values in memory.items()}
    over_kserve = statistics.median(
        a / b for a, b in zip(seconds["ours"][1:], seconds["KServe"][1:], strict=True)
    )
    over_bare = statistics.median(a / b for a, b in zip(seconds["ours"][1:], bare[1:], strict=True))
    alone = statistics.median(bare[1:])
    relative = over_kserve <= SHARE_OF_KSERVE or over_bare <= TIMES_BARE
    started = took["ours"] <= SECONDS and relative
    return "\n".join(
        [
            "## Start and memory, logistic regression on iris",
            "",
            "| | ours | KServe | bare | ratio | goal | |",
            "|---|---|---|---|---|---|---|",
            f"| start to first answer | {took['ours']:.2f} s | {took['KServe']:.2f} s | {alone:.2f} s "
            f"| {over_kserve:.2f}x KServe, {over_bare:.2f}x bare "
            f"| {SECONDS} s, and {SHARE_OF_KSERVE}x or {TIMES_BARE}x "
            f"| {'met' if started else 'missed'} |",
            f"| resident memory then | {held['ours']:.0f} MB | {held['KServe']:.0f} MB | | | {MEGABYTES} MB "
            f"| {'met' if held['ours'] <= MEGABYTES else 'missed'} |",
            "",
            f"{date.today():%Y-%m-%d}, `python -m tests.bench.start --rounds {rounds}`:",
            f"medians of {rounds} interleaved rounds of whole processes, bytecode compiled, gRPC off in both.",
            "*Bare* imports scikit-learn, unpickles the model and predicts once.",
            f"Machine: {machine.description()}.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
