"""The status of a TrainedModel: a function of its parent and of what the parent's servers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from kserve_lite.api.manifests import load
from kserve_lite.api.problems import InvalidObject
from kserve_lite.api.reasons import MODEL_REASONS
from kserve_lite.api.trainedmodel import TrainedModel
from kserve_lite.controller.installed import plain
from kserve_lite.controller.runtime.status import merge_conditions
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.multimodel import Report, progress

Object = dict[str, Any]
Said = Mapping[str, Report]
"""What one server says, by model."""


def trained_model(obj: Object) -> TrainedModel | None:
    """Read one; None when it is not valid, which its own status says."""
    try:
        model = load({key: value for key, value in plain(obj).items() if key != "status"})
    except InvalidObject:
        return None
    assert isinstance(model, TrainedModel)
    return model


def status(
    obj: Object, parent: Object | None, effective: Effective | None, servers: Sequence[Said]
) -> Object:
    """Return the whole status. `servers` has an entry for each server of the parent that answers."""
    name = obj["metadata"]["name"]
    conditions = [_parent(obj, parent, effective), _state(obj, servers)]
    failing = next((one for one in conditions if one["status"] != "True"), None)
    ready = {**failing, "type": "Ready"} if failing else {"type": "Ready", "status": "True"}
    before = (obj.get("status") or {}).get("conditions") or ()
    written: Object = {
        "observedGeneration": obj["metadata"]["generation"],
        "conditions": merge_conditions(before, [ready, *conditions]),
    }
    if effective is not None and failing is None:
        path = quote(name, safe="")
        ask = f"/v1/models/{path}:predict" if effective.entry.protocol == "v1" else f"/v2/models/{path}/infer"
        written["url"] = effective.url + ask
        written["address"] = {"url": effective.address + ask}
    return written


def _parent(obj: Object, parent: Object | None, effective: Effective | None) -> Object:
    kind, name = "InferenceServiceReady", obj["spec"]["inferenceService"]
    if trained_model(obj) is None:
        return _no(kind, "InvalidSpec", "the TrainedModel is not valid: kserve-lite validate says why")
    if parent is None:
        return _no(
            kind, "ParentMissing", f"there is no InferenceService {name} in this namespace; it waits for it"
        )
    if effective is None:
        return _no(kind, "ParentNotValid", f"the InferenceService {name} is not valid: see its status")
    if effective.predictor.storage:
        message = f"the InferenceService {name} has a model of its own; remove its storageUri"
        return _no(kind, "ParentHasOwnModel", message)
    conditions = (parent.get("status") or {}).get("conditions") or ()
    ready: Object = next((one for one in conditions if one["type"] == "Ready"), {})
    if ready.get("status") != "True":
        said = f"the InferenceService {name} is not ready: {ready.get('message', '')}"
        return _no(kind, "ParentNotReady", said)
    return {"type": kind, "status": "True"}


def _state(obj: Object, servers: Sequence[Said]) -> Object:
    """Every server that answers has it, or the first one that has not says why."""
    if not servers:
        return _no("Loaded", "NoServerAnswers", "no server of the InferenceService answers yet", "Unknown")
    name, uri = obj["metadata"]["name"], (obj["spec"].get("model") or {}).get("storageUri", "")
    for said in servers:
        match progress(said.get(name), uri):
            case "loading":
                return _no("Loaded", "Loading", "a server is fetching or loading it", "Unknown")
            case "updating":
                return _no(
                    "Loaded", "Updating", "the version before answers until this one is loaded", "Unknown"
                )
            case "failed":
                reason = said[name].reason or "the server does not say why"
                if said[name].state == "READY":
                    reason = f"the version before answers, this one cannot be had: {reason}"
                return _no("Loaded", "ModelLoadFailed", reason)
    return {"type": "Loaded", "status": "True"}


def _no(kind: str, reason: str, message: str, status: str = "False") -> Object:
    return {"type": kind, "status": status, "reason": MODEL_REASONS[reason].code, "message": message[:1024]}
