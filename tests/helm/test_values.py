"""Helm reads values.yaml as the definitions' defaults, and judges values as pydantic does."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from pydantic import ValidationError

from generator.charts import CHARTS
from generator.values import values_yaml
from tests.generator.made_up import Chart
from tests.generator.strategies import near
from tests.helm.conftest import MAJORS, Helm, runner, showing, showing_ours, shown


@pytest.mark.parametrize("chart", CHARTS)
def test_helm_reads_values_yaml_as_the_defaults(helm: Helm, tmp_path: Path, chart: str) -> None:
    rendered = helm("template", "release", str(showing_ours(tmp_path / "chart", chart)))
    assert rendered.returncode == 0, rendered.stderr
    assert _without_null(shown(rendered.stdout)) == _without_null(
        CHARTS[chart]().model_dump(mode="json", by_alias=True)
    )


def test_helm_takes_no_string_for_a_number_or_a_boolean(helm: Helm, tmp_path: Path) -> None:
    rendered = helm("template", "release", str(showing(tmp_path / "chart", values_yaml(Chart, "x"))))
    assert rendered.returncode == 0, rendered.stderr
    assert _without_null(shown(rendered.stdout)) == _without_null(
        Chart().model_dump(mode="json", by_alias=True)
    )


@pytest.mark.parametrize("chart", CHARTS)
def test_our_chart_lints(helm: Helm, chart: str) -> None:
    linted = helm("lint", str(Path(__file__).parents[2] / "charts" / chart))
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    ("chart", "setting", "said"),
    [
        ("kserve-lite", "controler.replicas=1", "controler"),
        ("kserve-lite", "controller.replica=1", "replica"),
        ("kserve-lite", "controller.replicas=two", "/controller/replicas"),
        ("kserve-lite-models", "models.iris.storageURI=gs://b/iris", "storageURI"),
        ("kserve-lite-models", "models.iris.spec.predictor.minReplica=1", "minReplica"),
        ("kserve-lite-models", "models.iris.spec.predictor.containers[0].nam=x", "nam"),
        ("kserve-lite-crds", "enabled.models=true", "models"),
    ],
)
def test_a_mistake_is_named(helm: Helm, tmp_path: Path, chart: str, setting: str, said: str) -> None:
    rendered = helm("template", "release", str(showing_ours(tmp_path / "chart", chart)), "--set", setting)
    assert rendered.returncode != 0
    assert said in rendered.stderr or said.strip("/").replace("/", ".") in rendered.stderr


def test_a_model_that_a_release_takes_away_is_null(helm: Helm, tmp_path: Path) -> None:
    chart = str(showing_ours(tmp_path / "chart", "kserve-lite-models"))
    rendered = helm("template", "release", chart, "--set", "models.iris=null")
    assert rendered.returncode == 0, rendered.stderr
    assert shown(rendered.stdout)["models"] in ({"iris": None}, {})


def test_a_parent_chart_may_say_more_in_global(helm: Helm, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir()
    (parent / "Chart.yaml").write_text(
        "apiVersion: v2\nname: parent\nversion: 0.1.0\n"
        "dependencies: [{name: showing, version: 0.1.0, repository: ''}]\n"
    )
    (parent / "values.yaml").write_text("global: {theirs: 1, commonLabels: {team: a}}\n")
    showing_ours(parent / "charts" / "showing", "kserve-lite")
    rendered = helm("template", "release", str(parent))
    assert rendered.returncode == 0, rendered.stderr
    assert shown(rendered.stdout)["global"]["theirs"] == 1


@pytest.mark.parametrize("chart", CHARTS)
def test_both_helms_say_of_values_what_pydantic_says(tmp_path: Path, chart: str) -> None:
    folder = showing_ours(tmp_path / "chart", chart)
    schema = json.loads((folder / "values.schema.json").read_text())
    helms = {name: runner(name, tmp_path) for name in MAJORS}
    given_values = tmp_path / "given.yaml"
    verdicts = []

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(near(schema, schema["$defs"]))
    def compare(value: Any) -> None:
        assume(isinstance(value, dict) and not _holds_null(value))
        expected = _accepts(chart, _merged(yaml.safe_load((folder / "values.yaml").read_text()), value))
        verdicts.append(expected)
        given_values.write_text(json.dumps(value))
        for name, helm in helms.items():
            rendered = helm("template", "release", str(folder), "--values", str(given_values))
            assert (rendered.returncode == 0) == expected, (name, value, rendered.stderr)

    compare()
    assert {True, False} == set(verdicts)


def _accepts(chart: str, values: Any) -> bool:
    try:
        CHARTS[chart].model_validate(values)
    except ValidationError:
        return False
    return True


def _merged(defaults: Any, given: Any) -> Any:
    """As Helm lays given values over a chart's own: maps by key, everything else as a whole."""
    if not isinstance(defaults, dict) or not isinstance(given, dict):
        return copy.deepcopy(given)
    return {
        key: _merged(defaults.get(key), given[key]) if key in given else defaults[key]
        for key in defaults | given
    }


def _without_null(value: Any) -> Any:
    """To a template a key that is null and a key that is not there are the same, and Helm drops the former."""
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    return value


def _holds_null(value: Any) -> bool:
    """Null means "forget the default" to Helm, which pydantic never sees."""
    if isinstance(value, dict):
        return any(map(_holds_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(_holds_null, value)))
