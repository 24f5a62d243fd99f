"""Transformer, predictor and explainer of one InferenceService in the cluster, at the service's own URL.

No image is built for them: the code is a ConfigMap that the model server's image runs.
"""

from pathlib import Path
from typing import Any

import yaml

from tests.e2e import models, pods, services
from tests.e2e.client import Client
from tests.e2e.pods import Namespace
from tests.e2e.release import Release

ROOT = Path(__file__).parents[2]

NAMED = """\
from kserve import InferRequest, Model, ModelServer, model_server

SPECIES = ["setosa", "versicolor", "virginica"]


class Named(Model):
    def __init__(self, name):
        super().__init__(name)
        self.ready = True

    def preprocess(self, payload, headers=None):
        if isinstance(payload, InferRequest):
            return payload
        return {"instances": [row["flower"] if isinstance(row, dict) else row for row in payload["instances"]]}

    def postprocess(self, result, headers=None):
        if not isinstance(result, dict):
            return result
        return {"predictions": [SPECIES[number] for number in result["predictions"]]}


if __name__ == "__main__":
    arguments, _ = model_server.parser.parse_known_args()
    ModelServer().start([Named(arguments.model_name)])
"""
ROWS = [{"flower": row} for row in models.QUESTIONS["iris"][0]]


def pipeline(name: str, uri: str) -> list[dict[str, Any]]:
    """An InferenceService with all three components, and the ConfigMap of its transformer."""
    code = {"name": "code", "configMap": {"name": f"{name}-code"}}
    transformer = {
        "name": "kserve-container",
        "image": pods.SERVER,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "/code/transformer.py"],
        "volumeMounts": [{"name": "code", "mountPath": "/code"}],
    }
    spec = {
        "predictor": {"sklearn": {"storageUri": uri}},
        "transformer": {"containers": [transformer], "volumes": [code]},
        "explainer": {"type": "permutation", "config": {"samples": "4"}},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{name}-code"},
            "data": {"transformer.py": NAMED},
        },
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": name},
            "spec": spec,
        },
    ]


def test_the_services_url_leads_through_the_transformer_which_keeps_a_refusals_status_and_to_the_explainer(
    kserve_lite: Release, namespace: Namespace, client: Client
) -> None:
    namespace.apply(*pipeline("flowers", f"{services.claim(namespace)}/iris"))
    services.seconds_to_ready(namespace, "flowers", timeout=240)

    status, predicted = client.post(url(namespace, "flowers", "predict"), {"instances": ROWS})
    refusal, said = client.post(url(namespace, "flowers", "predict"), {"instances": [{"flower": [1, 2]}]})
    explained_status, explained = client.post(
        url(namespace, "flowers", "explain"), {"instances": models.QUESTIONS["iris"][0]}
    )
    direct = client.post(
        url(namespace, "flowers-predictor", "predict", "flowers"), {"instances": [ROWS[0]["flower"]]}
    )

    assert (status, predicted) == (200, {"predictions": ["setosa", "virginica"]})
    assert (refusal, said["code"]) == (400, "invalid_input")
    assert explained_status == 200, explained
    assert [one["class"] for one in explained["explanations"]] == [0, 2]
    for one in explained["explanations"]:
        assert abs(sum(one["attributions"].values()) - (one["value"] - one["base"])) < 1e-9
    assert direct == [200, {"predictions": [0]}]


def test_the_examples_manifests_are_served_as_they_are_but_for_the_models_place(
    kserve_lite: Release, namespace: Namespace, client: Client
) -> None:
    documents = list(yaml.safe_load_all((ROOT / "examples/feature-lookup/isvc.yaml").read_text()))
    service = next(d for d in documents if d["kind"] == "InferenceService")
    service["spec"]["predictor"]["model"]["storageUri"] = f"{services.claim(namespace)}/iris"
    namespace.apply(*documents)
    name = service["metadata"]["name"]
    services.seconds_to_ready(namespace, name, timeout=240)

    said = client.post(url(namespace, name, "predict"), {"instances": [{"plant": "p-1"}, {"plant": "p-2"}]})

    assert said == [200, {"predictions": [0, 2]}]


def url(namespace: Namespace, host: str, verb: str, model: str | None = None) -> str:
    return f"http://{host}.{namespace.name}.svc.cluster.local/v1/models/{model or host}:{verb}"
