"""Conditions hold exactly when GJSON's own library says that the path exists."""

import json
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.api.gjson import ConditionError, compiled
from kserve_lite_server.graph.conditions import exists

CASES = [json.loads(line) for line in Path(__file__).with_name("gjson.jsonl").read_text().splitlines()]
"""Path, value, and what github.com/tidwall/gjson v1.18.0 answered."""


@pytest.mark.parametrize(("path", "value", "holds"), CASES, ids=[case[0] for case in CASES])
def test_a_condition_holds_as_in_gjson(path: str, value: Any, holds: bool) -> None:
    assert exists(value, compiled(path)) is holds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a|b", "pipes", id="pipe"),
        pytest.param("@reverse", "modifiers", id="modifier"),
        pytest.param("{a,b}", "several paths", id="selection"),
        pytest.param("[a,b]", "several paths", id="list of selections"),
        pytest.param("a.#(b==~true)", "~", id="tilde"),
        pytest.param("a.#(b==1", "does not end", id="open query"),
        pytest.param('a.#(b=="x)', "quotes", id="open quote"),
        pytest.param("a..b", "key is missing", id="two dots"),
        pytest.param("a.", "key is missing", id="dot at the end"),
        pytest.param("a.#()", "missing", id="empty query"),
        pytest.param("a==1", "[@this].#(key==value)", id="comparison outside a query"),
        pytest.param("#x", "after #", id="hash before a key"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(ConditionError) as caught:
        compiled(text)

    assert says in str(caught.value)
    assert "at character" in str(caught.value)
