"""Sharing parts of a schema changes its size, never its verdict."""

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.sharing import shared

pytestmark = pytest.mark.slow

POD = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image"],
    "properties": {
        "image": {"type": "string", "minLength": 1, "pattern": "^[a-z/]+$"},
        "ports": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 65535}},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "first": {"description": "The first.", **POD},
        "second": {"description": "The second.", **POD},
        "more": {"type": "array", "items": POD},
        "own": {"$ref": "#/$defs/own"},
    },
    "$defs": {"own": {"type": "object", "properties": {"first": POD}}},
}


def test_equal_parts_stand_once_and_keep_their_own_descriptions() -> None:
    slim = shared(SCHEMA)
    assert slim["properties"]["first"] == {"description": "The first.", "allOf": [{"$ref": "#/$defs/first"}]}
    assert slim["properties"]["second"] == {
        "description": "The second.",
        "allOf": [{"$ref": "#/$defs/first"}],
    }
    assert slim["properties"]["more"]["items"] == {"$ref": "#/$defs/first"}
    assert slim["$defs"]["own"]["properties"]["first"] == {"$ref": "#/$defs/first"}
    assert slim["$defs"]["first"] == POD
    assert len(json.dumps(slim)) < len(json.dumps(SCHEMA)) / 2


def test_a_name_that_is_taken_is_not_taken_again() -> None:
    schema = {**SCHEMA, "$defs": {**SCHEMA["$defs"], "first": {"type": "string"}}}
    slim = shared(schema)
    assert slim["$defs"]["first"] == {"type": "string"}
    assert slim["$defs"]["first2"] == POD


def test_a_schema_without_repetition_stays_as_it_is() -> None:
    assert shared(POD) == POD


pods = st.fixed_dictionaries(
    {},
    optional={
        "image": st.sampled_from(["", "a/b", "A"]),
        "ports": st.lists(st.integers(-1, 70000), max_size=2),
        "labels": st.dictionaries(
            st.text(max_size=2), st.one_of(st.text(max_size=70), st.none()), max_size=2
        ),
        "typo": st.just(1),
    },
)


@given(
    st.fixed_dictionaries({}, optional={"first": pods, "second": pods, "more": st.lists(pods, max_size=2)})
)
def test_the_verdict_stays_the_same(value: dict[str, Any]) -> None:
    before, after = jsonschema_rs.Draft7Validator(SCHEMA), jsonschema_rs.Draft7Validator(shared(SCHEMA))
    assert after.is_valid(value) == before.is_valid(value)


@pytest.mark.parametrize(
    "value", [{"first": {"image": "a"}}, {"first": {"imag": "a"}}, {"more": [{"image": 1}]}]
)
def test_examples_of_both_verdicts(value: dict[str, Any]) -> None:
    before, after = jsonschema_rs.Draft7Validator(SCHEMA), jsonschema_rs.Draft7Validator(shared(SCHEMA))
    assert after.is_valid(value) == before.is_valid(value) == (value == {"first": {"image": "a"}})
