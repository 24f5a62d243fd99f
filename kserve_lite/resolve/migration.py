"""What an object that KServe has managed needs before kserve-lite takes it over, and what will be different then."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.api.definition import Resource
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import load
from kserve_lite.api.problems import InvalidObject, Problem
from kserve_lite.resolve.effective import Component, Effective
from kserve_lite.resolve.runtime import Runtime
from kserve_lite.resolve.service import resolve

FINALIZERS = ("inferenceservice.finalizers", "trainedmodel.finalizer")
_HEAD = ("name", "namespace", "labels", "annotations")


@dataclass(frozen=True)
class Verdict:
    """One object: what must be changed by hand, and what changes by itself."""

    kind: str
    namespace: str
    name: str
    needed: tuple[Problem, ...]
    different: tuple[str, ...]


def verdict(value: Mapping[str, Any], runtimes: Sequence[Runtime], config: Config) -> Verdict:
    """Return what becomes of an object as a file or the API server has it."""
    metadata = value["metadata"]
    needed: list[Problem] = list(_finalizers(metadata))
    different: list[str] = []
    try:
        resource = load({**value, "metadata": {name: metadata[name] for name in _HEAD if name in metadata}})
    except InvalidObject as invalid:
        needed += invalid.problems
    else:
        found = _resolved(resource, runtimes, config)
        needed += found if isinstance(found, list) else []
        if isinstance(found, Effective):
            different = list(_differences(found, value.get("status") or {}))
    return Verdict(
        str(value["kind"]),
        str(metadata.get("namespace", "")),
        str(metadata["name"]),
        tuple(needed),
        tuple(different),
    )


def _resolved(
    resource: Resource, runtimes: Sequence[Runtime], config: Config
) -> Effective | list[Problem] | None:
    return resolve(resource, runtimes, config) if isinstance(resource, InferenceService) else None


def _finalizers(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    for name in metadata.get("finalizers") or ():
        if name in FINALIZERS:
            message = f"{name} is kept by KServe's controller alone: without it the object cannot be deleted"
            remedy = "take it out of metadata.finalizers when KServe's controller is gone"
            yield Problem("finalizer", "metadata.finalizers", message, remedy)


def _differences(effective: Effective, status: Mapping[str, Any]) -> Iterator[str]:
    for notice in effective.notices:
        yield str(notice)
    if status:
        yield "its pods are replaced once, the new ones answering before the old ones go"
    if (before := status.get("url")) and before != effective.url:
        yield f"it answers at {effective.url}, before at {before}"
    if status.get("deploymentMode") in ("Serverless", "Knative"):
        yield "its Knative Service stays behind: delete it when the new pods answer"
    for component in effective.components:
        yield from _of_component(component)


def _of_component(component: Component) -> Iterator[str]:
    if component.scaling.scaler == "none":
        yield (
            f"{component.name} has no HorizontalPodAutoscaler: {component.scaling.least} replica"
            f"{'s' if component.scaling.least != 1 else ''}, as maxReplicas is not above minReplicas"
        )
    ready = component.container["readinessProbe"]
    if component.choice is None and "httpGet" in ready:
        yield f"{component.name} is ready when {ready['httpGet']['path']} answers, not when its port is open"
