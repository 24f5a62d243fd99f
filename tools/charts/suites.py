"""The values that the charts' own unit tests render: every check that needs many of them draws from here."""

import copy
import functools
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from tools.cache import CLONE

CHARTS = CLONE / "charts"
SCHEMA = "values.schema.json"


@dataclass(frozen=True)
class Case:
    """One `it`: what is set, for which release and cluster."""

    suite: str  # its file's name before `_test.yaml`
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

    def laid_over(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that Helm makes of the chart's and the case's own."""
        values = copy.deepcopy(dict(defaults))
        for path, value in self.values.items():
            *above, last = path.split(".")
            _merge(values, functools.reduce(lambda inner, key: {key: inner}, reversed(above), {last: value}))
        return values

    def given(self) -> dict[str, Any]:
        """Return the case as a helm-unittest test has it, without what it asserts."""
        return {
            "set": self.values,
            "release": {"name": self.release, "namespace": self.namespace},
            "capabilities": {"apiVersions": list(self.kinds)},
        }


def bare(chart: str, folder: Path) -> Path:
    """Return a copy of a chart without CRDs and schema: nine tenths of a render's time, and no template asks."""
    place = folder / chart
    shutil.copytree(CHARTS / chart, place, ignore=shutil.ignore_patterns("crds", "tests", "ci", SCHEMA))
    return place


def cases(chart: str) -> Iterator[Case]:
    """Yield the cases of one chart, suite by suite."""
    for path in sorted((CHARTS / chart / "tests").glob("*_test.yaml")):
        yield from _of(path)


def refused(chart: str, case: Case) -> list[str]:
    """Return what the chart's schema has against the values of a case."""
    schema, defaults = _known(chart)
    return [error.message for error in schema.iter_errors(case.laid_over(defaults))]


@functools.cache
def _known(chart: str) -> tuple[jsonschema_rs.Draft7Validator, Any]:
    """Return the schema and the defaults of a chart."""
    schema = jsonschema_rs.Draft7Validator(json.loads((CHARTS / chart / SCHEMA).read_text()))
    return schema, yaml.safe_load((CHARTS / chart / "values.yaml").read_text())


def count(chart: str) -> tuple[int, int]:
    """Return how many cases a chart has, and how many of them expect a refusal."""
    texts = [path.read_text() for path in (CHARTS / chart / "tests").glob("*_test.yaml")]
    return sum(text.count("- it: ") for text in texts), sum(text.count("failedTemplate") for text in texts)


def _merge(onto: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Maps key by key; null takes a default away; everything else replaces."""
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(onto.get(key), dict):
            _merge(onto[key], value)
        elif value is None and key in onto:
            del onto[key]
        else:
            onto[key] = copy.deepcopy(value)


def _of(path: Path) -> Iterator[Case]:
    suite = yaml.safe_load(path.read_text())
    for test in suite["tests"]:
        release = {**(suite.get("release") or {}), **(test.get("release") or {})}
        yield Case(
            suite=path.name.removesuffix("_test.yaml"),
            name=f"{suite['suite']}: {test['it']}",
            values=test.get("set") or {},
            release=release.get("name", "kl"),
            namespace=release.get("namespace", "serving"),
            kinds=tuple((test.get("capabilities") or {}).get("apiVersions") or ()),
        )
