"""The status of an InferenceService: a function of what was found and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kserve_lite.api.reasons import REASONS
from kserve_lite.controller.findings.deployment import Rollout
from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.inferenceservice.look import Look
from kserve_lite.controller.runtime.status import merge_conditions
from kserve_lite.resolve.effective import Component, Effective, Role
from kserve_lite.resolve.names import inside_hosts

Object = dict[str, Any]

_CONDITION: dict[Role, str] = {
    "predictor": "PredictorReady",
    "transformer": "TransformerReady",
    "explainer": "ExplainerReady",
}
_LOADING = frozenset({"Downloading", "Loading"})
_STOPPED = Finding("Stopped", "", "the annotation serving.kserve.io/stop is true")


def status(service: Object, look: Look) -> Object:
    """Return the whole status; what is left out is to vanish."""
    before = service.get("status") or {}
    written: Object = {
        "observedGeneration": service["metadata"]["generation"],
        "conditions": merge_conditions(before.get("conditions") or (), list(_conditions(look))),
        "deploymentMode": "Standard",
        "modelStatus": _model_status(look),
    }
    if look.notes:
        written["annotations"] = dict(look.notes)
    if look.effective is not None:
        written |= _runtime(look.effective)
        if not look.stopped:
            written |= _addresses(look.effective, look)
    return written


def _conditions(look: Look) -> Iterator[Object]:
    if look.stopped:
        yield _condition("Ready", _STOPPED)
        for role in look.rollouts:
            yield _condition(_CONDITION[role], _STOPPED)
        yield {"type": "Stopped", "status": "True"}
        return
    yield _condition("Ready", look.finding)
    for role, rollout in look.rollouts.items():
        yield _condition(_CONDITION[role], _of_component(rollout, look))
    if look.routed:
        yield _condition("IngressReady", look.closed)


def _of_component(rollout: Rollout, look: Look) -> Finding | None:
    if look.obstacles:
        return look.obstacles[0]
    return rollout.obstacle


def _condition(kind: str, finding: Finding | None) -> Object:
    if finding is None:
        return {"type": kind, "status": "True"}
    unknown = not finding.failed and finding.code != "Stopped"
    return {
        "type": kind,
        "status": "Unknown" if unknown else "False",
        "reason": finding.code,
        "message": str(finding),
    }


def _model_status(look: Look) -> Object:
    if look.stopped:
        return {"transitionStatus": "UpToDate"}
    predictor = look.rollouts.get("predictor") or Rollout()
    failure = _failure(look)
    written: Object = {
        "transitionStatus": _transition(look.finding),
        "states": {
            "activeModelState": _active(look, predictor),
            "targetModelState": _target(look, predictor),
        },
        "copies": {"failedCopies": predictor.failed, "totalCopies": predictor.answering},
    }
    if failure is not None:
        written["lastFailureInfo"] = _failure_info(failure)
    return written


def _failure(look: Look) -> Finding | None:
    """What failed last and still does: also a pod too many that does not come up."""
    if look.finding is not None:
        return look.finding if look.finding.failed else None
    partly = (r.finding for r in look.rollouts.values() if r.failed)
    return next((finding for finding in partly if finding is not None and finding.failed), None)


def _transition(finding: Finding | None) -> str:
    if finding is None:
        return "UpToDate"
    weights = {"progress": "InProgress", "failure": "BlockedByFailedLoad", "refusal": "InvalidSpec"}
    return weights[REASONS[finding.code].weight]


def _active(look: Look, predictor: Rollout) -> str:
    return "Loaded" if predictor.answering else _target(look, predictor)


def _target(look: Look, predictor: Rollout) -> str:
    finding = look.obstacles[0] if look.obstacles else predictor.finding
    if not look.obstacles and predictor.ready:
        return "Loaded"
    if finding is not None and finding.failed:
        return "FailedToLoad"
    return "Loading" if finding is not None and finding.code in _LOADING else "Pending"


def _failure_info(finding: Finding) -> Object:
    info: Object = {"reason": finding.code, "message": str(finding), "location": finding.place}
    if finding.exit_code is not None:
        info["exitCode"] = finding.exit_code
    if finding.time:
        info["time"] = finding.time
    return info


def _runtime(effective: Effective) -> Object:
    choice = effective.predictor.choice
    if choice is None or choice.best is None:
        return {}
    field = "servingRuntimeName" if choice.best.scope == "namespace" else "clusterServingRuntimeName"
    return {field: choice.best.name}


def _addresses(effective: Effective, look: Look) -> Object:
    """URLs, each only where something answers."""
    written: Object = {}
    is_open = look.routed and look.closed is None
    if look.answers:
        written["address"] = {"url": effective.address}
        written["url"] = effective.url if is_open else effective.address
    components = {
        component.role: _component(component, effective, is_open=is_open)
        for component in effective.components
        if (rollout := look.rollouts.get(component.role)) is not None and rollout.answering
    }
    if components:
        written["components"] = components
    return written


def _component(component: Component, effective: Effective, *, is_open: bool) -> Object:
    host = inside_hosts(component.name, effective.namespace)[0]
    inside = f"http://{host}"
    url = effective.urls[component.role] if is_open else inside
    written: Object = {"url": url, "address": {"url": inside}, "restUrl": inside}
    for port in component.ports:
        if port.grpc:
            written["grpcUrl"] = f"{host}:{port.number}"
    return written
