"""The six CRDs as they are committed: small, typed, quiet in GitOps."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from generator.artefacts import BUDGET
from generator.checker import check
from generator.checker.drift import CLIENT_SIDE_APPLY_LIMIT
from generator.crd import UnfitCrd, compact_size, crd
from kserve_lite.api.kinds import KINDS
from kserve_lite.api.marks import Column, Kind

CLONE = Path(__file__).parents[2]
CRDS = {path.name: yaml.safe_load(path.read_text()) for path in sorted(CLONE.glob("schemas/crds/*.yaml"))}


def keywords(schema: Any, name: str) -> Iterator[Any]:
    """Every value of a keyword anywhere in a schema."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == name:
                yield value
            yield from keywords(value, name)
    elif isinstance(schema, list):
        for item in schema:
            yield from keywords(item, name)


def test_every_kind_has_its_crd_and_none_has_two() -> None:
    assert sorted(crd["spec"]["names"]["kind"] for crd in CRDS.values()) == sorted(
        kind.name for kind in KINDS
    )


@pytest.mark.parametrize("name", CRDS)
def test_a_committed_crd_is_structural_and_fits_client_side_apply(name: str) -> None:
    assert [str(finding) for finding in check(CRDS[name])] == []
    assert compact_size(CRDS[name]) <= BUDGET < CLIENT_SIDE_APPLY_LIMIT


@pytest.mark.parametrize("name", CRDS)
def test_nothing_below_spec_is_untyped(name: str) -> None:
    schema = CRDS[name]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert list(keywords(schema["properties"]["spec"], "x-kubernetes-preserve-unknown-fields")) == []


@pytest.mark.parametrize("name", CRDS)
def test_the_chart_installs_the_same_bytes(name: str) -> None:
    (file,) = (CLONE / "charts/kserve-lite/crds").glob(f"*{name}")
    assert file.read_bytes() == (CLONE / "schemas/crds" / name).read_bytes()


def test_helm_makes_the_kind_of_the_models_first() -> None:
    """Without --wait Helm 4 looks for it as soon as the last one is made."""
    first, *_ = sorted(file.name for file in (CLONE / "charts/kserve-lite/crds").iterdir())
    assert first.endswith("_inferenceservices.yaml")


@pytest.mark.parametrize("name", CRDS)
def test_the_crds_chart_carries_the_same_spec(name: str) -> None:
    plural = CRDS[name]["spec"]["names"]["plural"]
    spec = json.loads((CLONE / f"charts/kserve-lite-crds/files/{plural}.json").read_text())
    assert spec == CRDS[name]["spec"]


def test_ports_have_the_protocol_that_tells_them_apart() -> None:
    crd = CRDS["serving.kserve.io_inferenceservices.yaml"]
    ports = [found for found in keywords(crd, "ports") if found.get("x-kubernetes-list-type") == "map"]
    assert ports
    for port in ports:
        assert port["x-kubernetes-list-map-keys"] == ["containerPort", "protocol"]
        assert port["items"]["properties"]["protocol"]["default"] == "TCP"


def test_only_what_the_api_server_must_know_has_a_default() -> None:
    defaults = {
        kind["spec"]["names"]["kind"]: {json.dumps(value) for value in keywords(kind, "default")}
        for kind in CRDS.values()
    }
    assert defaults["InferenceService"] == {'"TCP"'}
    assert defaults["TrainedModel"] == defaults["InferenceGraph"] == set()


def test_kubectl_shows_kserves_columns_and_the_reason() -> None:
    (version,) = CRDS["serving.kserve.io_inferenceservices.yaml"]["spec"]["versions"]
    assert [column["name"] for column in version["additionalPrinterColumns"]] == [
        "URL",
        "Ready",
        "Prev",
        "Latest",
        "PrevRolledoutRevision",
        "LatestReadyRevision",
        "Age",
        "Reason",
    ]
    assert version["additionalPrinterColumns"][-1]["priority"] == 1


def test_editors_refuse_a_typo_that_the_api_server_would_prune() -> None:
    schema = json.loads((CLONE / "schemas/json/serving.kserve.io/inferenceservice_v1beta1.json").read_text())
    validator = jsonschema_rs.Draft7Validator(schema)
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "iris", "labels": {"team": "flowers"}},
        "spec": {
            "predictor": {
                "minReplicas": 1,
                "model": {
                    "modelFormat": {"name": "sklearn"},
                    "storageUri": "gs://models/iris",
                    "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
                },
                "containers": [{"name": "extra", "ports": [{"containerPort": 9000}]}],
            }
        },
    }
    assert [str(error) for error in validator.iter_errors(service)] == []
    service["spec"]["predictor"]["model"]["storageURI"] = "gs://models/iris"  # type: ignore[index]
    (error,) = validator.iter_errors(service)
    assert "storageURI" in error.message


def test_a_kind_that_the_api_server_would_refuse_is_not_written() -> None:
    kind = Kind(model=KINDS[0].model, version="v1", plural="Services", columns=(Column("Age", "no.dot"),))
    with pytest.raises(UnfitCrd, match=r"crd-names[\s\S]*column-path"):
        crd(kind)
