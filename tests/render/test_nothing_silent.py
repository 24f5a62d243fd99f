"""Every field of a component reaches the children, or is refused, or is said to be without effect: none is ignored."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from kserve_lite.api import InvalidObject
from kserve_lite.api.component import Component
from kserve_lite.api.config import Config
from kserve_lite.api.container import LITE
from kserve_lite.api.inferenceservice import Explainer, InferenceService, Predictor
from kserve_lite.api.kubernetes.openapi import definitions
from kserve_lite.api.manifests import load
from kserve_lite.api.model import FRAMEWORKS, Model, Source
from kserve_lite.api.problems import Problem
from kserve_lite.render import render
from kserve_lite.resolve.service import resolve

URI = "pvc://models/iris"
BASE: dict[str, Any] = {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": URI}}
BESIDE: dict[str, Any] = {"containers": [{"name": "kserve-container", "image": "me/x:1"}]}

Outcome = tuple[str, list[Problem]]


def outcome(spec: dict[str, Any]) -> Outcome:
    """Return the children as text, and everything that was said: refusals and notices."""
    value = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "iris"},
        "spec": spec,
    }
    try:
        service = load(value)
    except InvalidObject as invalid:
        return "", list(invalid.problems)
    assert isinstance(service, InferenceService)
    effective = resolve(service)
    if isinstance(effective, list):
        return "", effective
    return json.dumps(render(effective, Config())), list(effective.notices)


def aliases(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


# Our own fields, each with a value that means something.
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}
OWN: dict[str, Any] = {
    "minReplicas": 2,
    "maxReplicas": 3,
    "scaleTarget": 50,
    "scaleMetric": "memory",
    "scaleMetricType": "Utilization",
    "autoScaling": {"metrics": [CPU]},
    "containerConcurrency": 3,
    "timeout": 7,
    "canaryTrafficPercent": 10,
    "logger": {"url": "http://sink"},
    "batcher": {"maxBatchSize": 3},
    "labels": {"team": "red"},
    "annotations": {"note": "x"},
    "deploymentStrategy": {"type": "Recreate"},
    "storageUris": [{"uri": "pvc://data/words", "mountPath": "/mnt/words"}],
}
OF_PREDICTOR: dict[str, Any] = {
    "name": "blue",
    "model": BASE["model"],
    "storageContainerName": "mine",
    "workerSpec": {"a": 1},
    **{name: {"storageUri": URI} for name in FRAMEWORKS},
}
OF_MODEL: dict[str, Any] = {
    "modelFormat": {"name": "xgboost"},
    "runtime": "kserve-mlserver",
    "storageUri": "pvc://other/iris",
    "storage": {"key": "a", "path": "b", "parameters": {"type": "s3"}},
    "runtimeVersion": "9.9",
    "protocolVersion": "v2",
    "confidential": {"enabled": True},
}


def said_or_done(before: Outcome, after: Outcome, field: str) -> bool:
    """Tell whether a field changed the children or was spoken of."""
    return before[0] != after[0] or any(field in problem.path for problem in after[1])


def test_every_field_of_ours_has_a_sample_here() -> None:
    pod = set(definitions()["PodSpec"]["properties"])
    container = set(definitions()["Container"]["properties"])

    assert aliases(Component) == set(OWN)
    assert aliases(Predictor) - pod - set(OWN) == set(OF_PREDICTOR)
    assert aliases(Explainer) - pod - set(OWN) == {"art", "type", "config"}
    assert aliases(Model) - container == set(OF_MODEL)
    assert aliases(Source) <= set(OF_MODEL)


@pytest.mark.parametrize("role", ["predictor", "transformer", "explainer"])
@pytest.mark.parametrize("field", OWN)
def test_a_field_of_a_component_does_something_or_is_spoken_of(role: str, field: str) -> None:
    base = {"predictor": BASE, **({role: BESIDE} if role != "predictor" else {})}
    if field == "storageUris" and role == "predictor":
        base = {"predictor": {"model": {"modelFormat": {"name": "sklearn"}}}}
    written = {**base, role: {**base[role], field: OWN[field]}}

    assert said_or_done(outcome(base), outcome(written), field) or field == "scaleMetricType"


def test_the_one_value_of_scale_metric_type_is_the_default_and_others_are_refused() -> None:
    _, said = outcome({"predictor": {**BASE, "scaleMetricType": "AverageValue"}})

    assert [problem.code for problem in said] == ["scale_metric_type"]


@pytest.mark.parametrize("field", OF_PREDICTOR)
def test_a_field_of_a_predictor_does_something_or_is_spoken_of(field: str) -> None:
    rest = {} if field in {"model", *FRAMEWORKS} else BASE

    assert said_or_done(
        outcome({"predictor": BESIDE}), outcome({"predictor": {**rest, field: OF_PREDICTOR[field]}}), field
    )


@pytest.mark.parametrize("field", OF_MODEL)
def test_a_field_of_a_model_does_something_or_is_spoken_of(field: str) -> None:
    written = {**BASE["model"], field: OF_MODEL[field]}
    if field == "storage":
        del written["storageUri"]

    assert said_or_done(outcome({"predictor": BASE}), outcome({"predictor": {"model": written}}), field)


def full(schema: dict[str, Any], marks: Iterator[int]) -> Any:
    """Return a value with every field of a Kubernetes type, each text and number a mark of its own."""
    if "$ref" in schema:
        return full(definitions()[schema["$ref"]], marks)
    if schema.get("x-kubernetes-int-or-string"):
        return next(marks)
    match schema["type"]:
        case "object":
            if "properties" in schema:
                return {name: full(one, marks) for name, one in schema["properties"].items()}
            inner = schema.get("additionalProperties")
            return {f"mark{next(marks)}": full(inner, marks) if isinstance(inner, dict) else "x"}
        case "array":
            return [full(schema["items"], marks)]
        case "string":
            return f"mark{next(marks)}"
        case "integer":
            return next(marks)
        case "number":
            return float(next(marks))
    return True


def marks_of(value: Any) -> Iterator[str]:
    """Yield the marks of a value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.startswith("mark"):
                yield key
            yield from marks_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from marks_of(inner)
    elif not isinstance(value, bool):
        yield str(value)


POD = sorted(
    set(definitions()["PodSpec"]["properties"])
    - {"containers", "ephemeralContainers", "activeDeadlineSeconds"}
)
SET_BY_US = {"name"}


@pytest.mark.parametrize("role", ["predictor", "transformer"])
@pytest.mark.parametrize("field", POD)
def test_all_of_a_pods_field_is_in_the_pod(role: str, field: str) -> None:
    sample = full(definitions()["PodSpec"]["properties"][field], itertools.count(700001))
    if field == "restartPolicy":
        sample = "Always"
    base = {"predictor": BASE, **({role: BESIDE} if role != "predictor" else {})}

    before, after = outcome(base), outcome({**base, role: {**base[role], field: sample}})

    assert after[0], after[1]
    assert [mark for mark in marks_of(sample) if mark not in after[0]] == []
    assert before[0] != after[0]


@pytest.mark.parametrize("where", ["model", "sklearn", "containers"])
@pytest.mark.parametrize("field", sorted(set(definitions()["Container"]["properties"]) - SET_BY_US))
def test_all_of_a_containers_field_is_in_the_container(where: str, field: str) -> None:
    if where == "sklearn" and field not in LITE:
        pytest.skip("not a field of the framework keys")
    sample = full(definitions()["Container"]["properties"][field], itertools.count(700001))
    source = {"storageUri": URI}
    base: dict[str, Any] = {
        "model": {"model": {"modelFormat": {"name": "sklearn"}, **source, field: sample}},
        "sklearn": {"sklearn": {**source, field: sample}},
        "containers": {"containers": [{"name": "kserve-container", "image": "me/x:1", field: sample}]},
    }[where]

    after = outcome({"predictor": base})

    assert after[0], after[1]
    assert [mark for mark in marks_of(sample) if mark not in after[0]] == []
