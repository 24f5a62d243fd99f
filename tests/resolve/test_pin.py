"""A changed runtime, setting or release restarts no pod: the template depends on the user's words and the pin alone."""

import re
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from kserve_lite.api.config import Config, Network, PodDefaults, Storage, StorageInitializer
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import load
from kserve_lite.render import render
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.pin import PIN, PODS, REVISION, packed
from kserve_lite.resolve.runtime import Format, Runtime
from kserve_lite.resolve.service import resolve

OURS = BUILT_IN[0]
IMAGE_2 = {**OURS.containers[0], "image": "ghcr.io/kserve-lite/sklearnserver:2"}
NEXT = (replace(OURS, containers=(IMAGE_2,)), *BUILT_IN[1:])
BETTER = Runtime("a-better-one", (Format("sklearn", "1", 9),), ("v1", "v2"), (IMAGE_2,))


def service(labels: dict[str, str] | None = None, **predictor: Any) -> InferenceService:
    loaded = load(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "iris", "labels": labels or {}},
            "spec": {
                "predictor": {"sklearn": {"storageUri": "gs://b/m"}, **predictor},
                "transformer": {"containers": [{"name": "t", "image": "me/t:1"}]},
            },
        }
    )
    assert isinstance(loaded, InferenceService)
    return loaded


def deployments(
    given: InferenceService,
    runtimes: tuple[Runtime, ...] = BUILT_IN,
    config: Config = Config(),  # noqa: B008
    before: dict[str, dict[str, Any]] | None = None,
) -> dict[str, dict[str, Any]]:
    pins = {name: one["metadata"]["annotations"] for name, one in (before or {}).items()}
    effective = resolve(given, runtimes, config, pins=pins)
    assert isinstance(effective, Effective), effective
    return {
        child["metadata"]["name"]: child
        for child in render(effective, config)
        if child["kind"] == "Deployment"
    }


def templates(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: one["spec"]["template"] for name, one in found.items()}


OTHER_PODS = PodDefaults(termination_grace_period_seconds=5, topology_spread=False, resources={})
OTHER_STORAGE = Storage(initializer=StorageInitializer(image="mirror/step:2"))


@pytest.mark.parametrize(
    ("runtimes", "config"),
    [
        pytest.param(NEXT, Config(), id="a changed runtime"),
        pytest.param((*BUILT_IN, BETTER), Config(), id="a new runtime of higher priority"),
        pytest.param(BUILT_IN[1:], Config(), id="a deleted runtime"),
        pytest.param((replace(OURS, disabled=True),), Config(), id="a disabled runtime"),
        pytest.param(BUILT_IN, Config(pods=OTHER_PODS), id="other defaults of pods"),
        pytest.param(BUILT_IN, Config(storage=OTHER_STORAGE), id="the next release's storage step"),
        pytest.param(BUILT_IN, Config(network=Network(mode="ingress")), id="another network"),
    ],
)
def test_pods_of_a_service_that_did_not_change_stay_as_they_are(
    runtimes: tuple[Runtime, ...], config: Config
) -> None:
    before = deployments(service())

    after = deployments(service(), runtimes, config, before)

    assert templates(after) == templates(before)
    assert (
        after["iris-predictor"]["metadata"]["annotations"]
        == before["iris-predictor"]["metadata"]["annotations"]
    )


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(service({"team": "red"}), id="a label"),
        pytest.param(service(minReplicas=2, maxReplicas=5), id="replicas"),
        pytest.param(service(deploymentStrategy={"type": "Recreate"}), id="strategy"),
    ],
)
def test_what_does_not_concern_pods_keeps_pods_and_pin(changed: InferenceService) -> None:
    before = deployments(service())

    assert templates(deployments(changed, NEXT, before=before)) == templates(before)


def earlier(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return Deployments as a release would have left them whose code made other pods of the same words."""
    older = deepcopy(found)
    for one in older.values():
        template = one["spec"]["template"]
        template["spec"]["containers"][0]["env"] = [{"name": "OF_OLD", "value": "1"}]
        annotations = one["metadata"]["annotations"]
        annotations[PIN] = re.sub('"fingerprint":"[^"]+"', '"fingerprint":"of-old"', annotations[PIN])
        annotations[PODS] = f"{annotations[PODS].partition('.')[0]}.{packed(template)}"
    return older


CHART = {"helm.sh/chart": "kserve-lite-models-9", "app.kubernetes.io/version": "9"}


@pytest.mark.parametrize("runtimes", [BUILT_IN, NEXT], ids=["the same runtimes", "and a changed runtime"])
@pytest.mark.parametrize(
    "given",
    [
        pytest.param(service(), id="the same words"),
        pytest.param(service(CHART), id="with the labels of a newer chart"),
        pytest.param(service(minReplicas=3, maxReplicas=9), id="with other replicas"),
    ],
)
def test_a_release_that_would_make_other_pods_leaves_those_that_there_are(
    given: InferenceService, runtimes: tuple[Runtime, ...]
) -> None:
    before = earlier(deployments(service()))

    after = deployments(given, runtimes, before=before)

    assert templates(after) == templates(before)
    for name, one in before.items():
        pinned = {key: one["metadata"]["annotations"][key] for key in (PIN, PODS, REVISION)}
        assert pinned.items() <= after[name]["metadata"]["annotations"].items()


def test_other_words_take_the_pods_of_this_release() -> None:
    before = earlier(deployments(service()))
    changed = service(nodeSelector={"disk": "ssd"})

    after = deployments(changed, before=before)

    assert templates(after)["iris-predictor"] == templates(deployments(changed))["iris-predictor"]
    follows = deployments(service(), config=Config(runtime_changes="follow"), before=before)
    assert templates(follows) == templates(deployments(service()))


def test_a_pin_of_a_release_that_kept_no_pods_is_compared_as_before() -> None:
    before = deployments(service())
    for one in before.values():
        del one["metadata"]["annotations"][PODS]

    assert templates(deployments(service(), NEXT, before=before)) == templates(before)


@pytest.mark.parametrize("text", ["x", "x.", "x.####", f"x.{packed([])}", "x.eJw="])  # type: ignore[arg-type]
def test_pods_that_cannot_be_read_are_made_from_the_pin(text: str) -> None:
    before = deployments(service())
    for one in before.values():
        one["metadata"]["annotations"][PODS] = text

    assert templates(deployments(service(), NEXT, before=before)) == templates(before)


def test_a_change_of_the_service_brings_the_runtime_of_today() -> None:
    before = deployments(service())

    after = deployments(service(nodeSelector={"disk": "ssd"}), NEXT, before=before)

    assert after["iris-predictor"]["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE_2["image"]
    assert (
        after["iris-predictor"]["metadata"]["annotations"][REVISION]
        != before["iris-predictor"]["metadata"]["annotations"][REVISION]
    )
    assert templates(after)["iris-transformer"] == templates(before)["iris-transformer"]


def test_where_changes_are_followed_a_changed_runtime_rolls_out() -> None:
    config = Config(runtime_changes="follow")
    before = deployments(service(), config=config)

    after = deployments(service(), NEXT, config, before)

    assert after["iris-predictor"]["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE_2["image"]


def test_a_service_that_is_pinned_says_what_waits_for_its_next_change() -> None:
    before = deployments(service())
    pins = {name: one["metadata"]["annotations"] for name, one in before.items()}

    kept = resolve(service(), NEXT, pins=pins)
    same = resolve(service(), pins=pins)

    assert isinstance(kept, Effective)
    assert isinstance(same, Effective)
    assert kept.predictor.newer.startswith("kserve-sklearnserver@")
    assert kept.predictor.newer != pins["iris-predictor"][REVISION]
    assert same.predictor.newer == ""


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"runtime": {"name": 1}, "fingerprint": "x"}'])
def test_a_pin_that_cannot_be_read_is_made_anew(text: str) -> None:
    before = deployments(service())
    before["iris-predictor"]["metadata"]["annotations"] = {REVISION: "lost@0", PIN: text}

    assert deployments(service(), before=before) == deployments(service())


def test_a_pin_of_another_release_may_say_more_and_less() -> None:
    before = deployments(service())
    annotations = before["iris-predictor"]["metadata"]["annotations"]
    annotations[PIN] = annotations[PIN].replace('"pods":{', '"later":1,"pods":{"unheardOf":true,', 1)

    assert templates(deployments(service(), NEXT, before=before)) == templates(before)
