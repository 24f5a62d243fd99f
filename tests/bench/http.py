"""`python -m tests.bench.http`: our server against its peers over HTTP and gRPC, in interleaved rounds on one core.

Prints one table of ratios a case and writes it to docs/benchmarks.md with the machine and the command. Ends
with 1 when servers answer differently or a request fails; a goal that is missed is printed as missed.
"""

import argparse
import json
import shlex
import signal
import sys
from datetime import date

import numpy as np

from kserve_lite_server.engine.kernels import choose
from tests.bench import chart, load, machine, report
from tests.bench.cases import CASES, Case
from tests.bench.environments import CACHE, ROOT, build
from tests.bench.kernels import fastest
from tests.bench.measure import Cores, Measurement, measure
from tests.bench.servers import ServerError

DOCUMENT = ROOT / "docs" / "benchmarks.md"


def main(arguments: list[str]) -> int:
    """Measure the chosen cases one after another."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cores = machine.cores()
    for case in CASES:
        if options.case and case.id not in options.case:
            continue
        print(f"{case.id}: {case.title}", file=sys.stderr)
        for server in case.servers:
            if server.environment:
                build(server.environment)
        try:
            generator = load.generator(grpc=case.request.grpc)
            seen = measure(case, generator, cores, options.rounds, options.seconds, CACHE, say)
        except (ServerError, load.LoadError) as error:
            print(f"{case.id}: {error}", file=sys.stderr)
            return 1
        note = beyond(seen)
        print(f"{report.table(seen)}\n\n{note}")
        if not options.print_only:
            section = report.section(seen, note + conditions(case, options, generator, cores))
            DOCUMENT.write_text(report.replace(DOCUMENT.read_text(), case.id, section))
            chart.write(DOCUMENT)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.http", description=__doc__)
    parser.add_argument(
        "--case",
        action="append",
        choices=[case.id for case in CASES],
        help="only this case; may be given again",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds over all servers (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds",
        type=int,
        default=2,
        help="seconds of load for a server, a number of connections and a round (default: %(default)s)",
    )
    parser.add_argument("--print-only", action="store_true", help="leave docs/benchmarks.md as it is")
    return parser


def beyond(seen: Measurement) -> str:
    """Say what a request takes beyond the model's own `predict` of the same row; empty for a case without that goal."""
    case = seen.case
    if case.above_predict is None:
        return ""
    model = case.model()
    rows = np.array(json.loads(case.request.body)["instances"])
    predict, kernel = fastest(model.predict, choose(model).methods["predict"].call, rows)  # type: ignore[attr-defined]
    median = report.rows(seen)[0].subject_p50 * 1000
    verdict = "met" if median - predict <= case.above_predict else "missed"
    return (
        f"A request of one connection takes {median:.0f} µs at the median; in process the model's own `predict` "
        f"of its row takes {predict:.0f} µs, its kernel {kernel:.0f} µs. Goal {case.above_predict:.0f} µs above "
        f"`predict`: {verdict}.\n\n"
    )


def conditions(case: Case, options: argparse.Namespace, generator: load.Generator, cores: Cores) -> str:
    """Return where, when, with what and how a table was measured."""
    command = ["python", "-m", "tests.bench.http", "--case", case.id]
    command += ["--rounds", str(options.rounds), "--seconds", str(options.seconds)]
    pinned = "servers on one core, load on another" if cores.server is not None else "not pinned to cores"
    return "\n".join(
        [
            f"{date.today():%Y-%m-%d}, `{shlex.join(command)}`:",
            f"median of {options.rounds} interleaved rounds of {options.seconds} s; {pinned}.",
            f"Machine: {machine.description()}; load by {generator.name}.",
            f"Servers: {machine.software(case)}.",
        ]
    )


def say(progress: str) -> None:
    """Report progress beside the tables."""
    print(f"  {progress}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
