"""From an InferenceService as the API server has it to what it comes to; every way of failing is a finding."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import load
from kserve_lite.api.problems import InvalidObject, Problem
from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.inferenceservice.notes import notes
from kserve_lite.render import render
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.pin import PINNING
from kserve_lite.resolve.runtime import Runtime
from kserve_lite.resolve.service import resolve
from kserve_lite.resolve.surroundings import Surroundings

log = logging.getLogger(__name__)

Object = dict[str, Any]
Pins = Mapping[str, Mapping[str, str]]

_CODES = {"runtime_not_found": "NoSupportingRuntime", "runtime_unfit": "RuntimeNotRecognized"}
HEAD = ("name", "namespace", "labels", "annotations")
"""What of an object's metadata a service follows from."""


@dataclass(frozen=True)
class Broken:
    """A runtime that cannot be read, and why."""

    kind: str
    name: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Understood:
    """The effective service and its children, or what stands against it."""

    effective: Effective | None = None
    children: tuple[Object, ...] = ()
    obstacles: tuple[Finding, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


def understand(
    service: Object,
    runtimes: Sequence[Runtime],
    broken: Sequence[Broken],
    config: Config,
    surroundings: Surroundings,
    live: Sequence[Object] = (),
) -> Understood:
    """Return what the service comes to. Never raises: one object that we cannot deal with stops no other.

    The Deployments among its `live` children say what their pods were made of, which the service keeps.
    """
    try:
        return _understand(service, runtimes, broken, config, surroundings, pins(live))
    except InvalidObject as invalid:
        return Understood(obstacles=tuple(map(finding, invalid.problems)))
    except Exception as error:
        name = f"{service['metadata']['namespace']}/{service['metadata']['name']}"
        log.exception("%s: unexpected", name)
        message = f"{type(error).__name__}: {error}"
        return Understood(obstacles=(Finding("InternalError", "", message),))


def _understand(
    service: Object,
    runtimes: Sequence[Runtime],
    broken: Sequence[Broken],
    config: Config,
    surroundings: Surroundings,
    pins: Pins,
) -> Understood:
    meta = service["metadata"]
    resource = load(
        {
            "apiVersion": service["apiVersion"],
            "kind": service["kind"],
            "metadata": {name: meta[name] for name in HEAD if name in meta},
            **({"spec": service["spec"]} if "spec" in service else {}),
        }
    )
    assert isinstance(resource, InferenceService)
    effective = resolve(resource, runtimes, config, surroundings=surroundings, pins=pins)
    if isinstance(effective, list):
        asked = resource.spec.predictor.model.runtime if resource.spec.predictor.model else None
        named = [invalid(one) for one in broken if one.name == asked or asked is None]
        obstacles = [finding(problem) for problem in effective]
        if not runtimes:  # no list of formats helps where there is none
            obstacles = [replace(one, remedy="") if one.code in _CODES.values() else one for one in obstacles]
        if named and any(one.code in _CODES.values() for one in obstacles):
            obstacles = [*named, *obstacles] if asked else [*obstacles, *named]
        return Understood(obstacles=tuple(obstacles))
    return Understood(effective, tuple(render(effective, config)), notes=notes(effective))


def pins(live: Sequence[Object]) -> Pins:
    """Return what the pods of Deployments were made of, by the Deployment's name."""
    return {
        obj["metadata"]["name"]: {name: one for name, one in annotations.items() if name in PINNING}
        for obj in live
        if obj["kind"] == "Deployment" and (annotations := obj["metadata"].get("annotations")) is not None
    }


def invalid(broken: Broken) -> Finding:
    """Return what is wrong with a runtime that a service would need."""
    return Finding("RuntimeInvalid", f"{broken.kind} {broken.name}", "; ".join(map(str, broken.problems)))


def finding(problem: Problem) -> Finding:
    """Return a problem of the spec under its stable reason, with rule id and path."""
    code = _CODES.get(problem.code, "InvalidSpec")
    return Finding(code, problem.path, f"{problem.message} [{problem.code}]", problem.remedy)
