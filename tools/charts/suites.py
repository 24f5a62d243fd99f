"""The values that the charts' own unit tests render: every check that needs many of them draws from here."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tools.cache import CLONE

CHARTS = CLONE / "charts"


@dataclass(frozen=True)
class Case:
    """One `it`: what is set, for which release and cluster."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    release: str = "kl"
    namespace: str = "serving"
    kinds: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether the case is about a refusal, by its name."""
        return " refuses " in f" {self.name}"

    def arguments(self) -> list[str]:
        """Return what `helm template` is given beside the chart."""
        said = [self.release, "--namespace", self.namespace]
        for kind in self.kinds:
            said += ["--api-versions", kind]
        for key, value in self.values.items():
            said += ["--set-json", f"{key}={json.dumps(value)}"]
        return said


def cases(chart: str) -> Iterator[Case]:
    """Yield the cases of one chart, suite by suite."""
    for path in sorted((CHARTS / chart / "tests").glob("*_test.yaml")):
        yield from _of(path)


def count(chart: str) -> tuple[int, int]:
    """Return how many cases a chart has, and how many of them expect a refusal."""
    texts = [path.read_text() for path in (CHARTS / chart / "tests").glob("*_test.yaml")]
    return sum(text.count("- it: ") for text in texts), sum(text.count("failedTemplate") for text in texts)


def _of(path: Path) -> Iterator[Case]:
    suite = yaml.safe_load(path.read_text())
    for test in suite["tests"]:
        release = {**(suite.get("release") or {}), **(test.get("release") or {})}
        yield Case(
            name=f"{suite['suite']}: {test['it']}",
            values=test.get("set") or {},
            release=release.get("name", "kl"),
            namespace=release.get("namespace", "serving"),
            kinds=tuple((test.get("capabilities") or {}).get("apiVersions") or ()),
        )
