"""The status of an InferenceGraph: a function of what was found and of nothing else.

`Ready` is the router's and that of every service that the graph calls; beside it each node has a condition
`Node.NAME`, so that one sees which way through the graph is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kserve_lite.api.inferencegraph import InferenceGraph
from kserve_lite.api.reasons import GRAPH_REASONS
from kserve_lite.controller.findings.refusal import finding
from kserve_lite.controller.findings.route import ROUTES, closed
from kserve_lite.controller.inferencegraph.understand import UnderstoodGraph
from kserve_lite.controller.runtime.apply import Refusal
from kserve_lite.controller.runtime.status import merge_conditions
from kserve_lite.resolve.names import inside_hosts

Object = dict[str, Any]
_CODES = {
    "service_not_found": "ServiceNotFound",
    "service_not_valid": "ServiceNotValid",
    "internal": "InternalError",
}
"""Reasons of what may mend itself; every other problem is the spec's."""


def status(
    obj: Object,
    understood: UnderstoodGraph,
    live: Sequence[Object],
    services: Mapping[str, Object],
    refused: Sequence[Refusal] = (),
) -> Object:
    """Return the whole status; `services` are the InferenceServices that the graph names, as they are now."""
    conditions = list(_conditions(understood, live, services, refused))
    failing = next((one for one in conditions if one["status"] != "True"), None)
    ready = {**failing, "type": "Ready"} if failing else {"type": "Ready", "status": "True"}
    before = (obj.get("status") or {}).get("conditions") or ()
    written: Object = {
        "observedGeneration": obj["metadata"]["generation"],
        "conditions": merge_conditions(before, [ready, *conditions]),
        "deploymentMode": "Standard",
    }
    if _answering(live):
        meta = obj["metadata"]
        inside = f"http://{inside_hosts(meta['name'], meta['namespace'])[0]}"
        through = understood.effective is not None and closed(live) is None
        written["url"] = understood.effective.url if understood.effective and through else inside
    return written


def _conditions(
    understood: UnderstoodGraph,
    live: Sequence[Object],
    services: Mapping[str, Object],
    refused: Sequence[Refusal],
) -> Iterator[Object]:
    for problem in understood.problems[:1]:
        yield _false("SpecValid", _CODES.get(problem.code, "InvalidSpec"), str(problem))
    for refusal in refused[:1]:
        found = finding(refusal)
        yield _false("ChildrenApplied", found.code, str(found))
    yield _router(live)
    if any(one["kind"] in ROUTES for one in live):
        shut = closed(live)
        if shut is None:
            yield {"type": "RouteReady", "status": "True"}
        else:
            yield _false("RouteReady", shut.code, str(shut), "False" if shut.failed else "Unknown")
    if understood.graph is not None:
        for name in understood.graph.spec.nodes:
            yield _node(name, understood.graph, services)


def _router(live: Sequence[Object]) -> Object:
    deployment = next((one for one in live if one["kind"] == "Deployment"), None)
    if deployment is None:
        return _false("RouterReady", "Starting", "the router's Deployment is not there yet", "Unknown")
    found = deployment.get("status") or {}
    wanted = (deployment.get("spec") or {}).get("replicas", 1)
    if wanted == 0:
        return _false("RouterReady", "ScaledToZero", "minReplicas is 0, so no router runs; raise it")
    for condition in found.get("conditions") or ():
        broken = condition["type"] == "ReplicaFailure" and condition["status"] == "True"
        if broken or (condition["type"] == "Progressing" and condition["status"] == "False"):
            said = f"Deployment {deployment['metadata']['name']}: {condition.get('message', '')}"
            return _false("RouterReady", "RouterFailed", said)
    if not _answering(live):
        return _false("RouterReady", "Starting", "no router answers yet", "Unknown")
    return {"type": "RouterReady", "status": "True"}


def _answering(live: Sequence[Object]) -> bool:
    return any(
        one["kind"] == "Deployment" and (one.get("status") or {}).get("availableReplicas", 0) > 0
        for one in live
    )


def _node(name: str, graph: InferenceGraph, services: Mapping[str, Object]) -> Object:
    """A node is ready when every service is that a request may reach from it."""
    for step, service in _reached(name, graph, frozenset()):
        if service not in services:
            return _false(
                f"Node.{name}", "ServiceNotFound", f"step {step}: there is no InferenceService {service}"
            )
        ready = _ready(services[service])
        if ready.get("status") != "True":
            said = f"step {step}: the InferenceService {service} is not ready"
            more = f": {ready['message']}" if ready.get("message") else ""
            return _false(f"Node.{name}", "ServiceNotReady", said + more, ready.get("status", "Unknown"))
    return {"type": f"Node.{name}", "status": "True"}


def _reached(name: str, graph: InferenceGraph, above: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield step and service for every call below a node."""
    for index, step in enumerate(graph.spec.nodes[name].steps or ()):
        if step.service_name is not None:
            yield f"{name}.{step.name or index}", step.service_name
        elif step.node_name is not None and step.node_name not in above:
            yield from _reached(step.node_name, graph, above | {name})


def _ready(service: Object) -> Object:
    found = service.get("status") or {}
    if found.get("observedGeneration") != service["metadata"].get("generation"):
        return {"status": "Unknown", "message": "its controller has not looked at its last change yet"}
    return next((one for one in found.get("conditions") or () if one["type"] == "Ready"), {})


def _false(kind: str, reason: str, message: str, status: str = "False") -> Object:
    return {
        "type": kind,
        "status": status,
        "reason": GRAPH_REASONS[reason].code,  # nothing is said that docs/reference/status.md does not know
        "message": message[:1024],
    }
