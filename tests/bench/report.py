"""From rounds to a table of ratios, and from the table to its section of docs/benchmarks.md."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.load import Load
from tests.bench.measure import Measurement


@dataclass(frozen=True)
class Row:
    """One line of the table: one number of connections. Rates in requests per second, latencies in ms."""

    connections: int
    subject_rate: float
    subject_p50: float
    baseline_rate: float
    baseline_p50: float
    ratio: float
    ratio_range: tuple[float, float]
    ceiling_ratio: float
    ceiling_share: float
    goal: float | None
    """What counts as met: the goal, or its share of the ceiling where that is lower."""

    @property
    def verdict(self) -> str:
        return "" if self.goal is None else "met" if self.ratio >= self.goal else "missed"


def rows(measurement: Measurement) -> list[Row]:
    """Return a row for each number of connections."""
    case, rounds = measurement.case, measurement.rounds
    return [
        row(
            connections,
            rounds[case.subject.name][connections],
            rounds[case.baseline.name][connections],
            rounds["ceiling"][connections],
            case.goals.get(connections),
            case.ceiling_share,
        )
        for connections in case.connections
    ]


def row(
    connections: int,
    subject: Sequence[Load],
    baseline: Sequence[Load],
    ceiling: Sequence[Load],
    goal: float | None,
    ceiling_share: float | None,
) -> Row:
    """Compare round by round, so that a machine that slows down slows both sides of a ratio; take medians."""
    over_baseline, over_ceiling = ratios(subject, baseline), ratios(subject, ceiling)
    ceiling_ratio = statistics.median(ratios(ceiling, baseline))
    if goal is not None and ceiling_share is not None:
        goal = min(goal, ceiling_share * ceiling_ratio)
    return Row(
        connections=connections,
        subject_rate=statistics.median(load.rate for load in subject),
        subject_p50=statistics.median(load.p50 for load in subject) / 1000,
        baseline_rate=statistics.median(load.rate for load in baseline),
        baseline_p50=statistics.median(load.p50 for load in baseline) / 1000,
        ratio=statistics.median(over_baseline),
        ratio_range=(min(over_baseline), max(over_baseline)),
        ceiling_ratio=ceiling_ratio,
        ceiling_share=statistics.median(over_ceiling),
        goal=goal,
    )


def ratios(numerator: Sequence[Load], denominator: Sequence[Load]) -> list[float]:
    """Return rate over rate, round by round."""
    return [ours.rate / theirs.rate for ours, theirs in zip(numerator, denominator, strict=True)]


def table(measurement: Measurement) -> str:
    """Return the case as a Markdown table."""
    case = measurement.case
    head = (
        f"| connections | {case.baseline.name} req/s (p50 ms) | {case.subject.name} req/s (p50 ms) "
        "| ratio (lowest to highest round) | ceiling's ratio | share of the ceiling | goal | |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *(line(row) for row in rows(measurement))])


def line(row: Row) -> str:
    """Return one row as Markdown."""
    cells = [
        str(row.connections),
        f"{row.baseline_rate:,.0f} ({row.baseline_p50:.2f})",
        f"{row.subject_rate:,.0f} ({row.subject_p50:.2f})",
        f"**{row.ratio:.1f}x** ({row.ratio_range[0]:.1f} to {row.ratio_range[1]:.1f})",
        f"{row.ceiling_ratio:.1f}x",
        f"{row.ceiling_share:.2f}",
        "" if row.goal is None else f"{row.goal:.1f}x",
        row.verdict,
    ]
    return f"| {' | '.join(cells)} |"


def section(measurement: Measurement, conditions: str) -> str:
    """Return the case's section of docs/benchmarks.md."""
    return f"## {measurement.case.title}\n\n{table(measurement)}\n\n{conditions}\n"


def replace(document: str, id: str, section: str) -> str:
    """Put a section between its markers in `document`, at the end when it is new."""
    begin, end = f"<!-- case {id} -->\n", f"<!-- end {id} -->\n"
    block = begin + section + end
    if begin not in document:
        return f"{document.rstrip()}\n\n{block}"
    before, rest = document.split(begin, 1)
    if end not in rest:
        raise ValueError(f"docs/benchmarks.md: {begin.strip()} has no {end.strip()}")
    return before + block + rest.split(end, 1)[1]
