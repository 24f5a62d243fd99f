"""Everything that a rule in a CRD goes through has a bound, so that the API server can tell its cost beforehand.

The API server's own estimator is asked in tests/apiserver; this is the part of it that needs no server.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, Field

from generator.structural import structural
from kserve_lite.api import RULES
from kserve_lite.api.container import WithEnvironment
from kserve_lite.api.definition import Definition
from kserve_lite.api.marks import Rule
from kserve_lite.api.model import Model

STEPS = r"(?P<{0}>[A-Za-z_]\w*(?:\.\w+|\[\w+\])+)"
CONCRETE: dict[type[BaseModel], type[BaseModel]] = {WithEnvironment: Model}
"""Of a base without fields of its own, a model that has them."""
LOOP = re.compile(STEPS.format("range") + r"\.(?:all|exists|filter|map)\((?P<variable>\w+),")
SCAN = re.compile(STEPS.format("text") + r"\.(?:matches|startsWith)\(")


def unbounded(rule: Rule) -> Iterator[str]:
    """The lists, maps and texts that a rule goes through and that may be of any size."""
    scope: dict[str, Any] = {"self": structural(CONCRETE.get(rule.on, rule.on))}
    for loop in LOOP.finditer(rule.cel):
        node = below(scope, loop["range"])
        if "maxItems" not in node and "maxProperties" not in node:
            yield loop["range"]
        scope[loop["variable"]] = node.get("items", {"type": "string"})
    for scan in SCAN.finditer(rule.cel):
        if scan["text"] != "self.metadata.name" and "maxLength" not in below(scope, scan["text"]):
            yield scan["text"]


def below(scope: dict[str, Any], path: str) -> Any:
    """The schema of what `path` names."""
    root, *steps = re.findall(r"\w+|\[\w+\]", path)
    node = scope[root]
    for step in steps:
        node = node["additionalProperties"] if step.startswith("[") else node["properties"][step]
    return node


IN_CRD = [rule for rule in RULES if rule.in_crd]


@pytest.mark.parametrize("rule", IN_CRD, ids=lambda rule: f"{rule.id}-{rule.on.__name__}")
def test_a_rule_goes_only_through_what_is_bounded(rule: Rule) -> None:
    assert list(unbounded(rule)) == []


def test_lists_maps_and_texts_are_looked_at() -> None:
    texts = " ".join(rule.cel for rule in IN_CRD)

    assert {loop["range"] for loop in LOOP.finditer(texts)} >= {
        "self.containers",
        "self.nodes",
        "c.env",
        "self.steps",
    }
    assert {scan["text"] for scan in SCAN.finditer(texts)} >= {"self.mountPath", "self.storageUri", "a.uri"}


class Item(Definition):
    name: str
    parts: list[str] = Field(max_length=3)


class Free(Definition):
    items: list[Item]
    notes: dict[str, str]
    text: str


@pytest.mark.parametrize(
    ("cel", "found"),
    [
        pytest.param("self.items.all(i, i.name == 'a')", ["self.items"], id="list"),
        pytest.param("self.notes.all(n, n == 'a')", ["self.notes"], id="map"),
        pytest.param("self.text.matches('^a')", ["self.text"], id="text"),
        pytest.param(
            "self.items.all(i, i.parts.all(p, p == 'a') && i.name.startsWith('a'))",
            ["self.items", "i.name"],
            id="inside",
        ),
    ],
)
def test_what_is_not_bounded_is_found(cel: str, found: list[str]) -> None:
    rule = Rule(id="x", on=Free, cel=cel, message="", remedy="", holds=lambda free: True)

    assert list(unbounded(rule)) == found
