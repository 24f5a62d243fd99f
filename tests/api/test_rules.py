"""Every rule refuses what it speaks of, in Python and in CEL, and both always agree."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import cel
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from kserve_lite.api import KINDS, RULES, InvalidObject
from kserve_lite.api.definition import Resource
from kserve_lite.api.manifests import load
from kserve_lite.api.marks import Rule
from kserve_lite.api.rules.judge import definitions, violations
from kserve_lite.api.rules.servingruntime import conflicts
from tests.api.examples import cases, manifest

VALID = cases("valid.yaml")
REFUSED = cases("refused.yaml")
MODELS = {kind.name: kind.model for kind in KINDS}


def title(case: dict[str, Any]) -> str:
    return f"{case.get('code', case['kind'])}-{case.get('name') or case.get('path')}"


def parsed(value: dict[str, Any]) -> Resource:
    resource = MODELS[value["kind"]].model_validate(value, by_name=False)
    assert isinstance(resource, Resource)
    return resource


@pytest.mark.parametrize("case", VALID, ids=title)
def test_a_valid_example_passes(case: dict[str, Any]) -> None:
    assert load(manifest(case)).name == case["name"]


@pytest.mark.parametrize("case", REFUSED, ids=title)
def test_a_fault_is_refused_with_code_path_and_remedy(case: dict[str, Any]) -> None:
    if "old" in case:
        problems = violations(parsed(manifest(case)), RULES, old=parsed(manifest(case, "old")))
    else:
        with pytest.raises(InvalidObject) as caught:
            load(manifest(case))
        problems = list(caught.value.problems)

    assert [(problem.code, problem.path) for problem in problems] == [(case["code"], case["path"])]
    if case["code"] in {rule.id for rule in RULES}:
        assert problems[0].remedy


def test_there_are_enough_examples() -> None:
    assert len(VALID) >= 40
    assert len(REFUSED) >= 60
    assert {case["kind"] for case in VALID} == set(MODELS)
    assert {rule.id for rule in RULES} <= {case["code"] for case in REFUSED}


# The API server knows more functions than the language's core; this one is of its list library.
LIBRARY = {"sum": sum}


def says(rule: Rule, value: Any, old: Any = None) -> bool:
    """The verdict of the rule's CEL over plain values."""
    context = cel.Context()
    for name, function in LIBRARY.items():
        context.add_function(name, function)
    context.add_variable("self", value)
    context.add_variable("oldSelf", old)
    verdict = cel.evaluate(rule.cel, context)
    assert isinstance(verdict, bool), f"{rule.id} says {verdict!r}"
    return verdict


def raw(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def sites(case: dict[str, Any], rule: Rule) -> Iterator[tuple[Any, BaseModel, Any, BaseModel | None]]:
    """Every place of a case where the rule applies: the plain value and the definition, and what they were."""
    value = manifest(case)
    old = manifest(case, "old") if "old" in case else None
    try:
        resource, before = parsed(value), parsed(old) if old else None
    except ValidationError:
        return
    for path, new, was in definitions(resource, before):
        if isinstance(new, rule.on) and (not rule.transition or was is not None):
            yield raw(value, path), new, raw(old, path) if was is not None else None, was


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.id}-{rule.on.__name__}-{rule.field}")
def test_examples_show_both_verdicts_of_a_rule_and_cel_agrees(rule: Rule) -> None:
    seen = set()
    for case in [*VALID, *REFUSED, *({**case, "old": case["spec"]} for case in VALID)]:
        for value, new, old, was in sites(case, rule):
            verdict = rule.holds(new, was) if rule.transition else rule.holds(new)
            assert type(verdict) is bool
            if rule.cel:
                assert says(rule, value, old) == verdict, f"{rule.id}: CEL and Python differ over {value}"
            seen.add(verdict)

    assert seen == {True, False}


def test_only_what_cel_cannot_say_has_no_cel() -> None:
    assert [rule.id for rule in RULES if not rule.cel] == ["graph_cycle", "condition_unparsable"]
    assert all(not rule.in_crd for rule in RULES if not rule.cel)


def pool() -> dict[tuple[type[BaseModel], str], list[Any]]:
    """The values that examples give to each field of each definition: what random objects are put together from."""
    found: dict[tuple[type[BaseModel], str], dict[str, Any]] = defaultdict(dict)
    for case in [*VALID, *REFUSED]:
        try:
            resource = parsed(manifest(case))
        except ValidationError:
            continue
        for path, model, _ in definitions(resource, None):
            for name, given_value in raw(manifest(case), path).items():
                found[type(model), name][json.dumps(given_value, sort_keys=True)] = given_value
    return {key: list(values.values()) for key, values in found.items()}


POOL = pool()
RULED = sorted(
    {model for model, _ in POOL if any(issubclass(model, rule.on) for rule in RULES)},
    key=lambda m: m.__name__,
)


@st.composite
def objects(draw: st.DrawFn, model: type[BaseModel]) -> dict[str, Any]:
    """A mapping for `model` from fields that examples have, in combinations that they do not have."""
    names = sorted(name for known, name in POOL if known is model)
    chosen = draw(st.sets(st.sampled_from(names), max_size=6))
    required = {field.alias for field in model.model_fields.values() if field.is_required()}
    return {
        name: draw(st.sampled_from(POOL[model, name])) for name in sorted(chosen | (required & set(names)))
    }


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_cel_and_python_agree_over_generated_objects(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(RULED))
    given_values = [data.draw(objects(model)), data.draw(objects(model))]
    try:
        pair = [(value, model.model_validate(value, by_name=False)) for value in given_values]
    except ValidationError:
        reject()
    for (value, new), (old, was) in (pair, reversed(pair)):
        for rule in RULES:
            if rule.cel and issubclass(model, rule.on):
                verdict = rule.holds(new, was) if rule.transition else rule.holds(new)
                assert says(rule, value, old if rule.transition else None) == verdict, rule.id


def runtime(name: str, **spec: Any) -> Any:
    formats = [{"name": "sklearn", "version": "1", "autoSelect": True, "priority": 1}]
    spec = {"containers": [{"name": "kserve-container"}], "supportedModelFormats": formats, **spec}
    return parsed(manifest({"kind": "ClusterServingRuntime", "name": name, "spec": spec}))


def test_two_runtimes_between_which_a_model_could_not_decide_are_named() -> None:
    (found,) = conflicts([runtime("a"), runtime("b")])

    assert found[:2] == ("a", "b")
    assert str(found[2]) == (
        "spec.supportedModelFormats: a and b serve sklearn 1 with the same priority; "
        "give one of them another priority [runtime_priority]"
    )


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"disabled": True}, id="disabled"),
        pytest.param({"multiModel": True}, id="several models"),
        pytest.param({"protocolVersions": ["v2"]}, id="another protocol"),
        pytest.param(
            {"supportedModelFormats": [{"name": "sklearn", "version": "2", "autoSelect": True}]}, id="version"
        ),
        pytest.param(
            {
                "supportedModelFormats": [
                    {"name": "sklearn", "version": "1", "autoSelect": True, "priority": 2}
                ]
            },
            id="another priority",
        ),
    ],
)
def test_runtimes_that_differ_do_not_conflict(spec: dict[str, Any]) -> None:
    assert conflicts([runtime("a", protocolVersions=["v1"]), runtime("b", **spec)]) == []
