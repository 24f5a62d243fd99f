"""Many models in one server: the list that TrainedModels come to, and how the server reads it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kserve_lite.api.trainedmodel import TrainedModel
from kserve_lite.resolve.catalogue import MODELS
from kserve_lite.resolve.containers import merge
from kserve_lite.resolve.labels import SERVICE

FILE = "models.json"
FOLDER = "/mnt/configs"
READY = "/v2/health/ready"
"""A server whose models come and go is ready without any of them."""
VOLUME = "model-config"

Progress = Literal["loaded", "loading", "updating", "failed"]
UPDATING = "until this one is loaded"
ROOM = "its next request loads it"
"""What the server's reasons say of a model whose version before answers, and of one that made room for others."""


@dataclass(frozen=True)
class Report:
    """What a server's index says of a model; `source` is the storageUri that state and reason are about."""

    state: str
    reason: str
    source: str


def reports(index: Any) -> dict[str, Report]:
    """Read what `POST /v2/repository/index` answers. Raises `ValueError` for anything else."""
    try:
        return {one["name"]: Report(one["state"], one["reason"], one.get("source", "")) for one in index}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no index of models: {type(error).__name__}: {error}") from None


def progress(report: Report | None, source: str) -> Progress:
    """Say how far a server is with a model from `source`."""
    if report is None or report.source not in ("", source):
        return "loading"  # it has not read the list yet
    if report.state == "READY":
        return "loaded" if not report.reason else "updating" if UPDATING in report.reason else "failed"
    if report.state == "UNAVAILABLE":
        return "loaded" if ROOM in report.reason else "failed"
    return "loading"


def config_map(service: str) -> str:
    """Return the name of the ConfigMap with a service's list, as KServe has it."""
    return f"modelconfig-{service}-0"


def listed_service(child: Mapping[str, Any]) -> str:
    """Return the service whose list a ConfigMap is; empty for any other."""
    service = (child["metadata"].get("labels") or {}).get(SERVICE, "")
    return service if child["metadata"]["name"] == config_map(service) else ""


def listed(models: Iterable[TrainedModel]) -> str:
    """Return the list, as KServe's controller writes it."""
    return json.dumps([entry(model) for model in sorted(models, key=lambda model: model.name)])


def entry(model: TrainedModel, uri: str = "", revision: str = "") -> dict[str, Any]:
    """Return one entry; `uri` in place of the model's own, `revision` of the files where they may change under it."""
    spec = model.spec.model
    said = {"storageUri": uri or spec.storage_uri, "framework": spec.framework, "memory": str(spec.memory)}
    return {"modelName": model.name, "modelSpec": {**said, **({"revision": revision} if revision else {})}}


def reading_the_list(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return the server's container with the list and a folder for the files."""
    mounts = [
        {"name": VOLUME, "mountPath": FOLDER, "readOnly": True},
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
        {"name": VOLUME, "configMap": {"name": config_map(service), "optional": True}},
        {"name": "models", "emptyDir": {}},
    )
