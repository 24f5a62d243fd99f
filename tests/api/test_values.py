"""Helm values: defaults are valid themselves, typos are refused at every level, models are typed by the definitions."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from generator.charts import CHARTS
from kserve_lite.api.values import ModelsChart
from kserve_lite.api.values.common import Global


@pytest.mark.parametrize("chart", CHARTS)
def test_the_defaults_of_a_chart_are_valid_values(chart: str) -> None:
    written = CHARTS[chart]().model_dump(by_alias=True, mode="json")

    assert CHARTS[chart].model_validate(written, by_name=False) == CHARTS[chart]()


def declared(values: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    for field in type(values).model_fields:
        if isinstance(inner := getattr(values, field), BaseModel) and not isinstance(inner, Global):
            alias = type(values).model_fields[field].alias
            assert alias
            found += declared(inner, (*path, alias))
    return found


@pytest.mark.parametrize("chart", CHARTS)
def test_a_typo_is_refused_at_every_level_but_global(chart: str) -> None:
    for path in declared(CHARTS[chart]()):
        if path == ("global",):
            continue  # shared with other charts, see below
        typo: dict[str, Any] = {"zzz": 1}
        for step in reversed(path):
            typo = {step: typo}
        with pytest.raises(ValidationError) as caught:
            CHARTS[chart].model_validate(typo, by_name=False)
        assert [(error["type"], error["loc"][-1]) for error in caught.value.errors()] == [
            ("extra_forbidden", "zzz")
        ]


@pytest.mark.parametrize("chart", CHARTS)
def test_what_other_charts_read_in_global_is_theirs(chart: str) -> None:
    values = CHARTS[chart].model_validate({"global": {"theirs": 1, "imageRegistry": "mirror"}}, by_name=False)

    assert values.model_dump(by_alias=True)["global"]["imageRegistry"] == "mirror"


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(None, id="nothing: removed"),
        pytest.param({"enabled": False}, id="switched off"),
        pytest.param({"storageUri": "gs://b/iris", "replicas": {"min": 1, "max": 3}}, id="shorthand"),
        pytest.param({"spec": {"predictor": {"model": {"args": ["--workers=2"]}}}}, id="part of the spec"),
        pytest.param(
            {"transformer": {"image": "me/clean:1"}, "env": [{"name": "A", "value": "1"}]}, id="transformer"
        ),
    ],
)
def test_a_model_is_written_in_shorthand_or_in_full(entry: Any) -> None:
    values = ModelsChart.model_validate({"models": {"iris": entry}}, by_name=False)

    assert list(values.models) == ["iris"]


@pytest.mark.parametrize(
    ("models", "loc"),
    [
        pytest.param({"Iris": {}}, ("models", "Iris", "[key]"), id="name"),
        pytest.param({"a" * 41: {}}, ("models", "a" * 41, "[key]"), id="long name"),
        pytest.param({"iris": {"storageUrl": "x"}}, ("models", "iris", "storageUrl"), id="misspelt"),
        pytest.param(
            {"iris": {"replicas": {"min": -1}}}, ("models", "iris", "replicas", "min"), id="negative"
        ),
        pytest.param(
            {"iris": {"spec": {"predictor": {"containers": [{"name": 1}]}}}},
            ("models", "iris", "spec", "predictor", "containers", 0, "name"),
            id="Kubernetes' own field",
        ),
    ],
)
def test_a_wrong_model_is_refused_at_its_path(models: Any, loc: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        ModelsChart.model_validate({"models": models}, by_name=False)

    assert [error["loc"] for error in caught.value.errors()] == [loc]
