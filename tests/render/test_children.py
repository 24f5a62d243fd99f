"""The children of a service, as far as several people build on them."""

from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import load
from kserve_lite.render import render
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.service import resolve


def children(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, dict[str, Any]]:
    service = load(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "iris", "annotations": annotations or {}},
            "spec": {"predictor": {"sklearn": {"storageUri": "pvc://models/iris"}}, **spec},
        }
    )
    assert isinstance(service, InferenceService)
    effective = resolve(service)
    assert isinstance(effective, Effective)
    return {f"{child['kind']}/{child['metadata']['name']}": child for child in render(effective, Config())}


def test_a_model_is_a_deployment_its_service_and_a_service_of_the_models_own_name() -> None:
    found = children()

    assert list(found) == ["Service/iris", "Service/iris-predictor", "Deployment/iris-predictor"]
    assert found["Service/iris"]["spec"] == found["Service/iris-predictor"]["spec"]


def test_the_service_of_the_models_own_name_leads_to_the_transformer_where_there_is_one() -> None:
    found = children(transformer={"containers": [{"name": "t", "image": "me/t:1"}]})

    assert found["Service/iris"]["spec"]["selector"] == {"app": "isvc.iris-transformer"}


def test_nothing_of_a_stopped_service_is_left() -> None:
    assert children({"serving.kserve.io/stop": "true"}) == {}
