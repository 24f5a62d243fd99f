"""Everything that files are made from, in one value, so that a test can generate from definitions of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from generator.charts import CHARTS
from kserve_lite.api.kinds import KINDS
from kserve_lite.api.marks import Kind, Rule
from kserve_lite.api.rules import RULES


@dataclass(frozen=True)
class Definitions:
    """The kinds, the rules on them, and the values model of each chart by its folder below `charts`."""

    kinds: Sequence[Kind]
    rules: Sequence[Rule] = ()
    charts: Mapping[str, type[BaseModel]] = field(default_factory=dict)


def definitions() -> Definitions:
    """Return kserve-lite's own."""
    return Definitions(kinds=KINDS, rules=RULES, charts=CHARTS)
