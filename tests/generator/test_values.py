"""Values, their comments, their schema and their table, for made-up charts and for ours."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError
from ruamel.yaml import YAML

from generator.charts import CHARTS
from generator.readme import BEGIN, END, MarkersMissing, with_values_table
from generator.refusal import Refused
from generator.values import values_yaml
from generator.values_schema import values_schema
from generator.yaml_text import to_yaml
from tests.generator.made_up import TRAPS, Chart, Closed
from tests.generator.strategies import near

pytestmark = pytest.mark.slow

CLONE = Path(__file__).parents[2]


def test_every_reader_of_values_yaml_sees_the_defaults() -> None:
    text = values_yaml(Chart, "Generated.")
    expected = Chart().model_dump(mode="json", by_alias=True)
    assert yaml.safe_load(text) == expected
    assert YAML(typ="safe", pure=True).load(text) == expected


@given(st.text(max_size=8) | st.sampled_from(TRAPS))
def test_any_string_survives_both_versions_of_yaml(text: str) -> None:
    value = {"key": [text], text: {"below": text}}
    written = to_yaml(value)
    assert yaml.safe_load(written) == value
    assert YAML(typ="safe", pure=True).load(written) == value
    chart = type("One", (BaseModel,), {"__annotations__": {"it": str}, "it": text})
    assert yaml.safe_load(values_yaml(chart, "x")) == {"it": text}


def test_comments_are_what_helm_docs_reads() -> None:
    text = values_yaml(Chart, "Generated.")
    assert text.startswith(
        "# Generated.\n\n# -- The image | to run.\nimage:\n  # -- Where it is pulled from."
    )
    assert "# -- Models by name.\n# Example:\n#   iris:\n#     tag: '1.0'\nmodels: {}\n" in text


def test_the_schema_is_closed_and_refers_to_nothing_outside() -> None:
    schema = values_schema(Chart, "Generated.")
    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Image"]["additionalProperties"] is False
    assert schema["properties"]["size"] == {
        "description": "A large number.",
        "type": "integer",
        "exclusiveMinimum": 0,
    }
    assert schema["properties"]["models"]["propertyNames"] == {"pattern": "^[a-z]+$"}
    assert schema["properties"]["image"] == {
        "description": "The image | to run.",
        "allOf": [{"$ref": "#/$defs/Image"}],
    }


def test_a_pattern_that_helm_cannot_compile_is_refused() -> None:
    class Bad(Closed):
        name: str = Field("", json_schema_extra={"pattern": "^(?=a)"})

    with pytest.raises(Refused, match=r"Bad\.name"):
        values_schema(Bad, "x")


def test_the_table_stands_between_markers_and_the_rest_is_left_alone() -> None:
    text = f"# Title\n{BEGIN}\nold\n{END}\n## After\n"
    written = with_values_table(text, Chart, "README.md")
    assert written.startswith(f"# Title\n{BEGIN}\n| Key | Type | Default | Description |\n")
    assert written.endswith(f"{END}\n## After\n")
    assert '| `image.tag` | string | `"1.20"` | Its tag. |' in written
    assert "| `limit` | integer or string | `null` | A number or a percentage. |" in written
    assert with_values_table(written, Chart, "README.md") == written


@pytest.mark.parametrize("text", ["", f"{BEGIN}\n", f"{END}\n{BEGIN}\n"])
def test_a_readme_without_markers_is_named(text: str) -> None:
    with pytest.raises(MarkersMissing, match=r"charts/x/README\.md"):
        with_values_table(text, Chart, "charts/x/README.md")


def committed(chart: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((CLONE / f"charts/{chart}/values.schema.json").read_text())
    return schema


@pytest.mark.parametrize("chart", CHARTS)
def test_committed_values_are_the_defaults_and_satisfy_their_schema(chart: str) -> None:
    values = yaml.safe_load((CLONE / f"charts/{chart}/values.yaml").read_text())
    assert values == CHARTS[chart]().model_dump(mode="json", by_alias=True)
    assert [str(error) for error in jsonschema_rs.Draft7Validator(committed(chart)).iter_errors(values)] == []


@pytest.mark.parametrize("chart", CHARTS)
def test_every_key_of_values_has_a_comment_and_a_row(chart: str) -> None:
    lines = (CLONE / f"charts/{chart}/values.yaml").read_text().splitlines()
    readme = (CLONE / f"charts/{chart}/README.md").read_text()
    uncommented = [
        f"{name}.{field}"
        for name, model in _models(CHARTS[chart])
        for field, info in model.model_fields.items()
        if not info.description
    ]
    assert uncommented == []
    assert sum("# -- " in line for line in lines) >= readme.count("\n| `")


def _models(model: type[BaseModel]) -> list[tuple[str, type[BaseModel]]]:
    found = [(model.__name__, model)]
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += _models(field.annotation)
    return found


def test_no_schema_refers_outside_itself() -> None:
    for chart in CHARTS:
        for reference in _references(committed(chart)):
            assert reference.startswith("#/$defs/")


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for item in node for found in _references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    if own:
        assert list(node) == ["$ref"], "draft-07 ignores what stands beside a reference"
    return own + [found for item in node.values() for found in _references(item)]


@pytest.mark.parametrize("chart", CHARTS)
def test_a_typo_in_any_closed_object_of_the_defaults_is_refused(chart: str) -> None:
    validator = jsonschema_rs.Draft7Validator(committed(chart))
    values = CHARTS[chart]()
    for path in _closed_objects(values):
        document = values.model_dump(mode="json", by_alias=True)
        node = document
        for step in path:
            node = node[step]
        node["zzz"] = 1
        assert validator.is_valid(document) == (path == ["global"]), path


def _closed_objects(values: BaseModel) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for field, info in type(values).model_fields.items():
        if isinstance(value := getattr(values, field), BaseModel):
            found += [[info.alias or field, *path] for path in _closed_objects(value)]
    return found


@pytest.mark.parametrize("chart", CHARTS)
@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_schema_says_what_pydantic_says(chart: str, data: st.DataObject) -> None:
    schema = committed(chart)
    value = data.draw(near(schema, schema["$defs"]))
    errors = [str(error) for error in jsonschema_rs.Draft7Validator(schema).iter_errors(value)]
    assert bool(errors) == bool(_refusal(CHARTS[chart], value)), (errors, _refusal(CHARTS[chart], value))


def _refusal(model: type[BaseModel], value: Any) -> str:
    try:
        model.model_validate(value)
    except ValidationError as error:
        return str(error)
    return ""
