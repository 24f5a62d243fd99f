"""Prometheus' text format: a few families of plain numbers. A client library would be a tenth of an idle controller."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]  # what stands behind the family's name, labels, value
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(frozen=True)
class Family:
    """One metric: its name with suffix, what it tells, and its samples."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Iterable[Sample]


@dataclass
class Histogram:
    """How often something took how long, by upper bounds in seconds."""

    bounds: Sequence[float]
    total: float = 0.0
    _counts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def samples(self, labels: Labels) -> Iterator[Sample]:
        """Yield what the format asks for: everything up to each bound, the sum and the count."""
        summed = list(accumulate(self._counts))
        for bound, count in zip([*map(_number, self.bounds), "+Inf"], summed, strict=True):
            yield "_bucket", {**labels, "le": bound}, count
        yield "_sum", labels, self.total
        yield "_count", labels, summed[-1]


def text(families: Iterable[Family]) -> bytes:
    """Write families one after the other."""
    return "".join(line for family in families for line in _lines(family)).encode()


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.type}\n"
    for suffix, labels, value in family.samples:
        named = ",".join(f'{name}="{labels[name].translate(_ESCAPES)}"' for name in sorted(labels))
        yield f"{family.name}{suffix}{{{named}}} {_number(value)}\n"


def _number(value: float) -> str:
    return repr(float(value))
