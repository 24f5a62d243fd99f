"""TrainedModels on a real API server: the list of their parent, and what is said while something is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.serving import RUNTIME, Kubectl, Namespace, controlling, settled, until

PARENT: dict[str, Any] = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "many"},
    "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}}}},
}


@pytest.fixture
def here(namespace: str, kubectl: Kubectl, installed: str) -> Namespace:
    place = Namespace(namespace, kubectl)
    marks = {"serving.kserve.io/server-type": "kserve-lite"}
    place.apply({**RUNTIME, "metadata": {"name": "sklearn", "annotations": marks}})
    return place


def model(name: str) -> dict[str, Any]:
    spec = {"storageUri": f"s3://b/{name}", "framework": "sklearn", "memory": "64Mi"}
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "TrainedModel",
        "metadata": {"name": name},
        "spec": {"inferenceService": "many", "model": spec},
    }


def condition(here: Namespace, name: str, kind: str = "Ready") -> dict[str, Any]:
    status = here.read("tm", name).get("status") or {}
    return next((c for c in status.get("conditions") or () if c["type"] == kind), {})


def names(here: Namespace) -> list[str]:
    listed = json.loads(here.read("configmap", "modelconfig-many-0")["data"]["models.json"])
    return [one["modelName"] for one in listed]


async def test_models_wait_for_their_parent_and_become_its_list(kubeconfig: Path, here: Namespace) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(*(model(f"m{n}") for n in range(20)))
        await until(lambda: condition(here, "m7").get("reason") == "ParentMissing")

        here.apply(PARENT)
        await until(lambda: names(here) == sorted(f"m{n}" for n in range(20)))
        await settled(process)  # the list is the first of the children
        pod = here.read("deployment", "many-predictor")["spec"]["template"]["spec"]
        assert "--model_config=/mnt/configs/models.json" in pod["containers"][0]["args"]
        assert pod["containers"][0]["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"
        await until(lambda: condition(here, "m7").get("reason") == "ParentNotReady")
        assert condition(here, "m7", "Loaded")["reason"] == "NoServerAnswers"

        before = here.read("deployment", "many-predictor")["metadata"]["generation"]
        here.run("delete", "tm", "m3")
        await until(lambda: "m3" not in names(here))
        await settled(process)
        assert here.read("deployment", "many-predictor")["metadata"]["generation"] == before

        here.run("delete", "tm", "--all")
        await until(lambda: names(here) == [])
        await settled(process)
        assert here.read("deployment", "many-predictor")["metadata"]["generation"] == before
        here.apply(model("m7"))
        await until(lambda: names(here) == ["m7"])

        here.run("delete", "isvc", "many")
        await until(lambda: condition(here, "m7").get("reason") == "ParentMissing")
        assert here.names("trainedmodels") == ["m7"]
