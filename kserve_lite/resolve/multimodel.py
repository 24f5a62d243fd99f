"""Many models in one server: the list that TrainedModels come to, and how the server reads it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kserve_lite.api.trainedmodel import TrainedModel
from kserve_lite.resolve.catalogue import MODELS
from kserve_lite.resolve.containers import merge

FILE = "models.json"
FOLDER = "/mnt/configs"
READY = "/v2/health/ready"
"""A server whose models come and go is ready without any of them."""


def config_map(service: str) -> str:
    """Return the name of the ConfigMap with a service's list, as KServe has it."""
    return f"modelconfig-{service}-0"


def listed(models: Iterable[TrainedModel]) -> str:
    """Return the list, as KServe's controller writes it."""
    entries = [
        {
            "modelName": model.name,
            "modelSpec": {
                "storageUri": model.spec.model.storage_uri,
                "framework": model.spec.model.framework,
                "memory": str(model.spec.model.memory),
            },
        }
        for model in sorted(models, key=lambda model: model.name)
    ]
    return json.dumps(entries)


def reading_the_list(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return the server's container with the list and a folder for the files."""
    mounts = [
        {"name": "model-config", "mountPath": FOLDER, "readOnly": True},
        {"name": "models", "mountPath": MODELS},
    ]
    args = [*(container.get("args") or ()), f"--model_config={FOLDER}/{FILE}"]
    return {
        **merge(container, {}),
        "args": args,
        "volumeMounts": [*(container.get("volumeMounts") or ()), *mounts],
    }


def volumes(service: str) -> tuple[Mapping[str, Any], ...]:
    """Return the volumes of those mounts."""
    return (
        {"name": "model-config", "configMap": {"name": config_map(service), "optional": True}},
        {"name": "models", "emptyDir": {}},
    )
