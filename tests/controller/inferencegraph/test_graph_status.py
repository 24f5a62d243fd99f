"""The status of a graph names the part that is not ready: its spec, a child, the router, the route, a node."""

from __future__ import annotations

from typing import Any

import pytest

from kserve_lite.api.config import Config
from kserve_lite.api.problems import Problem
from kserve_lite.controller.inferencegraph.status import status
from kserve_lite.controller.inferencegraph.understand import UnderstoodGraph, read_graph, understand_graph
from kserve_lite.controller.inferenceservice.understand import understand
from kserve_lite.controller.runtime.apply import Refusal
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.surroundings import Surroundings

Object = dict[str, Any]

GRAPH: Object = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "InferenceGraph",
    "metadata": {"name": "g", "namespace": "ns", "generation": 2},
    "spec": {"nodes": {"root": {"routerType": "Sequence", "steps": [{"serviceName": "a"}]}}},
}
SERVICE: Object = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "a", "namespace": "ns", "generation": 1},
    "spec": {"predictor": {"sklearn": {"storageUri": "s3://b/m"}}},
}
READY_SERVICE: Object = {
    **SERVICE,
    "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]},
}
SERVED = {"a": READY_SERVICE}
FAILED: Object = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": "no pod",
}


def router(available: int = 1, wanted: int = 1, **more: Any) -> Object:
    return {
        "kind": "Deployment",
        "metadata": {"name": "g"},
        "spec": {"replicas": wanted},
        "status": {"availableReplicas": available, **more},
    }


def route(**status: Any) -> Object:
    return {"kind": "HTTPRoute", "metadata": {"name": "g", "generation": 1}, "status": status}


def understood(service: Object = SERVICE) -> UnderstoodGraph:
    graph = read_graph(GRAPH).graph
    assert graph is not None
    effective = understand(service, BUILT_IN, [], Config(), Surroundings()).effective
    return understand_graph(graph, {"a": effective}, Config())


def ready(found: Object) -> Object:
    return next(one for one in found["conditions"] if one["type"] == "Ready")


def test_a_graph_is_ready_when_all_of_it_is() -> None:
    found = status(GRAPH, understood(), [router()], {"a": READY_SERVICE})

    assert {one["type"]: one["status"] for one in found["conditions"]} == {
        "Ready": "True",
        "RouterReady": "True",
        "Node.root": "True",
    }
    assert found["url"] == "http://g.ns.svc.cluster.local"
    assert found["observedGeneration"] == 2


ACCEPTED = {"parents": [{"parentRef": {"name": "w"}, "conditions": [{"type": "Accepted", "status": "True"}]}]}
REFUSED = {"parents": [{"parentRef": {"name": "w"}, "conditions": [{"type": "Accepted", "status": "False"}]}]}
TAKEN = Refusal("Service", "g", 409, "Foreign", "somebody else (helm)")
LACKING = Refusal("VirtualService", "g", 404, "NotFound", "the server could not find the requested resource")
NO_RIGHT = Refusal("Service", "g", 403, "Forbidden", 'cannot patch resource "services"')
FULL = Refusal("Service", "g", 403, "Forbidden", "exceeded quota: few")
POLICY = Refusal("Service", "g", 422, "Invalid", "denied by a policy")


@pytest.mark.parametrize(
    ("live", "services", "refused", "condition", "value", "reason"),
    [
        pytest.param([], SERVED, [], "RouterReady", "Unknown", "Starting", id="no Deployment yet"),
        pytest.param([router(0)], SERVED, [], "RouterReady", "Unknown", "Starting", id="no pod yet"),
        pytest.param(
            [router(0, conditions=[FAILED])], SERVED, [], "RouterReady", "False", "RouterFailed",
            id="its Deployment gives up",
        ),
        pytest.param([router(0, 0)], SERVED, [], "RouterReady", "False", "ScaledToZero", id="scaled to zero"),
        pytest.param([router()], {}, [], "Node.root", "False", "ServiceNotFound", id="none there"),
        pytest.param([router()], {"a": SERVICE}, [], "Node.root", "Unknown", "ServiceNotReady", id="one that starts"),
        pytest.param([router(), route()], SERVED, [], "RouteReady", "Unknown", "RoutePending", id="a route"),
        pytest.param(
            [router(), route(**REFUSED)], SERVED, [], "RouteReady", "False", "RouteNotAccepted",
            id="a route that is refused",
        ),
        *(
            pytest.param([router()], SERVED, [refusal], "ChildrenApplied", "False", code, id=code)
            for refusal, code in (
                (TAKEN, "ForeignObject"), (LACKING, "KindNotInstalled"), (NO_RIGHT, "Forbidden"),
                (FULL, "QuotaExceeded"), (POLICY, "ChildRefused"),
            )
        ),
    ],
)  # fmt: skip
def test_what_is_not_ready_says_why_and_ready_repeats_it(
    live: list[Object],
    services: dict[str, Object],
    refused: list[Refusal],
    condition: str,
    value: str,
    reason: str,
) -> None:
    found = status(GRAPH, understood(), live, services, refused)

    said = next(one for one in found["conditions"] if one["type"] == condition)
    assert (said["status"], said["reason"]) == (value, reason)
    assert said["message"]
    assert {key: ready(found)[key] for key in ("status", "reason", "message")} == {
        key: said[key] for key in ("status", "reason", "message")
    }


def test_an_accepted_route_is_the_url() -> None:
    found = status(GRAPH, understood(), [router(), route(**ACCEPTED)], {"a": READY_SERVICE})

    assert next(one for one in found["conditions"] if one["type"] == "RouteReady")["status"] == "True"
    assert ready(found)["status"] == "True"


def test_a_graph_of_a_service_that_comes_to_nothing_says_so() -> None:
    found = status(GRAPH, understood({**SERVICE, "spec": {}}), [], {"a": SERVICE})

    assert ready(found)["reason"] == "ServiceNotValid"
    assert "the InferenceService a is not valid itself" in ready(found)["message"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [("internal", "InternalError"), ("service_not_found", "ServiceNotFound"), ("cycle", "InvalidSpec")],
)
def test_a_problem_of_the_spec_keeps_its_own_reason(code: str, reason: str) -> None:
    found = status(GRAPH, UnderstoodGraph(problems=(Problem(code, "spec", "no"),)), [], {})

    assert next(one for one in found["conditions"] if one["type"] == "SpecValid")["reason"] == reason
