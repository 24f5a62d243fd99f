"""The ConfigMap that tells a server which models it serves."""

from collections.abc import Iterable
from typing import Any

from kserve_lite.api.trainedmodel import TrainedModel
from kserve_lite.resolve.labels import SERVICE
from kserve_lite.resolve.multimodel import FILE, config_map, listed


def model_config(service: str, namespace: str, models: Iterable[TrainedModel]) -> dict[str, Any]:
    """Return the list of a service's TrainedModels as a child of it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": config_map(service), "namespace": namespace, "labels": {SERVICE: service}},
        "data": {FILE: listed(models)},
    }
