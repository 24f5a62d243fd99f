"""What a service came to is kept while nothing that it follows from changes, and then it is what it would be anew."""

import argparse
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from kserve_lite.api.config import Config
from kserve_lite.api.manifests import read
from kserve_lite.cli import wanted
from kserve_lite.controller.inferenceservice import remembered as module
from kserve_lite.controller.inferenceservice.remembered import Remembered
from kserve_lite.controller.inferenceservice.understand import Understood, understand
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.surroundings import Surroundings
from tests.render.golden import cases

Object = dict[str, Any]
NOTHING = Surroundings()
SERVICE: Object = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "iris", "namespace": "ns", "uid": "1", "generation": 1, "resourceVersion": "1"},
    "spec": {"predictor": {"sklearn": {"storageUri": "s3://b/m"}}},
}


def services(case: Path) -> list[Object]:
    with (case / "input.yaml").open() as file:
        found = list(YAML(typ="safe").load_all(file))
    return [
        {**one, "metadata": {"namespace": "default", "uid": one["metadata"]["name"], **one["metadata"]}}
        for one in found
        if one["kind"] == "InferenceService"
    ]


def told(understood: Understood) -> tuple[object, ...]:
    """What is written of it: the children, and everything that a status is made of."""
    effective = understood.effective
    newer = [one.newer for one in effective.components] if effective else []
    return understood.children, understood.obstacles, understood.notes, newer, effective and effective.urls


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_with_the_pods_that_it_made_a_service_comes_to_the_same(case: Path) -> None:
    config = case / "config.yaml"
    arguments = argparse.Namespace(
        runtimes=[], config=config if config.exists() else None, namespace="default"
    )
    asked = wanted.wanted(read([case / "input.yaml"]), arguments)
    for service in services(case):
        runtimes = asked.runtimes(service["metadata"]["namespace"])
        first = understand(service, runtimes, [], asked.config, NOTHING)
        again = understand(service, runtimes, [], asked.config, NOTHING, first.children)
        assert told(again) == told(first)


def test_a_look_for_which_nothing_changed_takes_the_last_answer() -> None:
    known = Remembered(Config())
    first = known.understand(SERVICE, BUILT_IN, [], NOTHING, [])
    live = [deepcopy(one) for one in first.children]
    for one in live:  # as the API server and its controllers add to them
        one["metadata"].setdefault("annotations", {})["deployment.kubernetes.io/revision"] = "1"
        one["status"] = {"readyReplicas": 1}
    later = {
        **SERVICE,
        "metadata": {**SERVICE["metadata"], "resourceVersion": "7"},
        "status": {"url": "http://x"},
    }

    assert known.understand(later, list(BUILT_IN), [], NOTHING, live) is first


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            {"service": {"spec": {"predictor": {"sklearn": {"storageUri": "s3://b/n"}}}}}, id="spec"
        ),
        pytest.param({"service": {"metadata": {**SERVICE["metadata"], "labels": {"a": "b"}}}}, id="labels"),
        pytest.param({"runtimes": BUILT_IN[:1]}, id="runtimes"),
        pytest.param({"surroundings": Surroundings(parents=frozenset({"iris"}))}, id="surroundings"),
        pytest.param({"live": "of another release"}, id="pins"),
    ],
)
def test_what_changed_is_understood_anew(change: dict[str, Any]) -> None:
    known = Remembered(Config())
    first = known.understand(SERVICE, BUILT_IN, [], NOTHING, [])
    live: list[Object] = []
    if "live" in change:
        live = [deepcopy(one) for one in first.children if one["kind"] == "Deployment"]
        live[0]["metadata"]["annotations"]["serving.kserve.io/runtime-revision"] = "other@000000000000"

    service = {**SERVICE, **change.get("service", {})}
    asked = (service, change.get("runtimes", BUILT_IN), [], change.get("surroundings", NOTHING), live)
    second = known.understand(*asked)

    assert second is not first
    assert second == understand(service, asked[1], [], Config(), asked[3], live)


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    known = Remembered(Config())
    others = [{**SERVICE, "metadata": {**SERVICE["metadata"], "uid": uid}} for uid in "abc"]
    first = known.understand(others[0], BUILT_IN, [], NOTHING, [])
    for one in others[1:]:
        known.understand(one, BUILT_IN, [], NOTHING, [])

    assert known.understand(others[0], BUILT_IN, [], NOTHING, []) is not first
