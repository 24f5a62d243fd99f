"""Explainers without containers of the user's: ours by type, KServe's for ART."""

from typing import Any

from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import load
from kserve_lite.resolve.catalogue import IMAGE
from kserve_lite.resolve.effective import Component, Effective
from kserve_lite.resolve.service import resolve


def explainer(spec: Any, predictor: Any = None) -> Component:
    service = load(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "s", "namespace": "ns"},
            "spec": {"predictor": predictor or {"sklearn": {"storageUri": "s3://b/m"}}, "explainer": spec},
        }
    )
    assert isinstance(service, InferenceService)
    effective = resolve(service)
    assert isinstance(effective, Effective), effective
    assert effective.explainer is not None
    return effective.explainer


def test_permutation_runs_from_the_model_servers_image_and_asks_over_v2() -> None:
    found = explainer(
        {
            "type": "permutation",
            "config": {"seed": "1", "samples": "8"},
            "storageUris": [{"uri": "s3://b/rows"}],
        }
    )

    assert found.container["image"] == IMAGE
    assert found.container["command"] == ["kserve-lite-explainer"]
    args = found.container["args"]
    assert args[:5] == [
        "--type=permutation",
        "--config=samples=8",
        "--config=seed=1",
        "--background=/mnt/models",
        "--predictor_protocol=v2",
    ]
    assert args[args.index("--predictor_host") + 1] == "s-predictor.ns"
    assert [step.uri for step in found.storage] == ["s3://b/rows"]
    assert found.probe == "/v1/models/s"


def test_the_explainer_comes_from_the_mirror_that_the_predictors_image_comes_from() -> None:
    mirror = "registry.local/mirror/sklearnserver:0.1.0"

    found = explainer(
        {"type": "permutation"},
        {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://b/m", "image": mirror}},
    )

    assert found.container["image"] == mirror


def test_art_is_read_as_kserve_writes_it() -> None:
    found = explainer(
        {"art": {"type": "SquareAttack", "config": {"nb_classes": "10"}, "storageUri": "s3://b/e"}}
    )

    assert found.container["image"] == "docker.io/kserve/art-explainer:v0.20.0"
    args = found.container["args"]
    assert args[:6] == [
        "--storage_uri",
        "/mnt/models",
        "--adversary_type",
        "SquareAttack",
        "--nb_classes",
        "10",
    ]
    assert [step.uri for step in found.storage] == ["s3://b/e"]


def test_arts_image_and_version_are_the_users_choice() -> None:
    versioned = explainer({"art": {"type": "SquareAttack", "runtimeVersion": "v0.17.0"}})
    own = explainer({"art": {"type": "SquareAttack", "image": "me/art:1"}})

    assert versioned.container["image"] == "docker.io/kserve/art-explainer:v0.17.0"
    assert own.container["image"] == "me/art:1"
