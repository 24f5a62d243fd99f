"""What an InferenceGraph comes to: the router's file, and the pods that read it."""

import json
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.api.config import Config, Gateway, Network, Router
from kserve_lite.api.inferencegraph import InferenceGraph
from kserve_lite.api.manifests import load
from kserve_lite.render.graph import render_graph
from kserve_lite.resolve.graph import EffectiveGraph, resolve_graph
from kserve_lite.resolve.service import resolve
from kserve_lite_server.graph.document import read
from tests.resolve.test_service import service

SERVICES = {
    name: resolve(service({"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://b/m", **more}}))
    for name, more in {"a": {}, "b": {"protocolVersion": "v2"}, "c": {"protocolVersion": "grpc-v2"}}.items()
}


def graph(nodes: dict[str, Any], **spec: Any) -> InferenceGraph:
    loaded = load(
        {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "InferenceGraph",
            "metadata": {"name": "g", "namespace": "ns"},
            "spec": {"nodes": nodes, **spec},
        }
    )
    assert isinstance(loaded, InferenceGraph)
    return loaded


def resolved(nodes: dict[str, Any], config: Config | None = None, **spec: Any) -> EffectiveGraph:
    effective = resolve_graph(graph(nodes, **spec), SERVICES, config or Config())  # type: ignore[arg-type]
    assert isinstance(effective, EffectiveGraph), effective
    return effective


def steps(*steps: dict[str, Any], kind: str = "Sequence") -> dict[str, Any]:
    return {"root": {"routerType": kind, "steps": list(steps)}}


def test_a_service_is_asked_at_its_own_name_by_its_own_protocol() -> None:
    found = resolved(steps({"serviceName": "a"}, {"serviceName": "b"})).document["nodes"]["root"]["steps"]

    assert [step["url"] for step in found] == [
        "http://iris.default.svc.cluster.local/v1/models/iris:predict",
        "http://iris.default.svc.cluster.local/v2/models/iris/infer",
    ]


def test_on_a_laptop_the_gateway_is_asked_with_the_service_as_host() -> None:
    effective = resolve_graph(graph(steps({"serviceName": "a"})), SERVICES, gateway="http://127.0.0.1:1")  # type: ignore[arg-type]

    assert isinstance(effective, EffectiveGraph)
    (step,) = effective.document["nodes"]["root"]["steps"]
    assert step["url"] == "http://127.0.0.1:1/v1/models/iris:predict"
    assert step["host"] == "iris.default.svc.cluster.local"


def test_the_router_reads_every_field_of_the_graph() -> None:
    nodes = {
        "root": {
            "routerType": "Sequence",
            "steps": [
                {"nodeName": "split"},
                {
                    "name": "last",
                    "serviceUrl": "http://x/y",
                    "data": "$response",
                    "condition": "predictions.#(>1)",
                    "dependency": "Hard",
                    "mapPredictionsToInstances": True,
                    "timeout": 3,
                    "retries": 2,
                },
            ],
        },
        "split": {
            "routerType": "Splitter",
            "hashHeader": "X-User",
            "steps": [{"serviceName": "a", "weight": 30}, {"serviceName": "a", "weight": 70}],
        },
    }
    config = Config(router=Router(headers=["^x-team"]))
    timeouts = {"serverRead": 1, "serverWrite": 2, "serverIdle": 3, "serviceClient": 4}

    document = read(resolved(nodes, config, timeout=9, routerTimeouts=timeouts).text.encode())

    last = document.nodes["root"].steps[1]
    assert (last.name, last.response, last.hard, last.maps, last.timeout, last.retries) == (
        "last",
        True,
        True,
        True,
        3,
        2,
    )
    assert last.condition is not None
    assert last.condition.text == "predictions.#(>1)"
    assert [step.weight for step in document.nodes["split"].steps] == [30, 70]
    assert document.nodes["split"].hash_header == "x-user"
    assert document.nodes["split"].steps[0].timeout == 4
    assert (document.timeout, document.read, document.write, document.idle) == (9, 1, 2, 3)
    assert document.headers[0].search("x-team-name")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("nope", "service_not_found", id="missing"),
        pytest.param("c", "service_not_http", id="gRPC"),
    ],
)
def test_a_service_that_cannot_be_asked_is_a_problem_of_its_step(name: str, code: str) -> None:
    problems = resolve_graph(graph(steps({"serviceName": "a"}, {"serviceName": name})), SERVICES)  # type: ignore[arg-type]

    assert isinstance(problems, list)
    assert [(one.code, one.path) for one in problems] == [(code, "spec.nodes.root.steps[1].serviceName")]
    assert problems[0].remedy


def test_a_changed_graph_changes_its_file_and_no_pod() -> None:
    before = render_graph(resolved(steps({"serviceName": "a"})), Config())
    after = render_graph(resolved(steps({"serviceName": "b"}, {"serviceName": "a"}), timeout=3), Config())

    assert [one["kind"] for one in before] == ["ConfigMap", "Service", "Deployment"]
    assert before[1:] == after[1:]
    assert before[0] != after[0]


def test_the_pods_are_those_that_the_graph_asks_for() -> None:
    spec = {
        "minReplicas": 2,
        "maxReplicas": 4,
        "scaleMetric": "memory",
        "scaleTarget": 70,
        "resources": {"limits": {"cpu": "1"}},
        "nodeSelector": {"a": "b"},
        "nodeName": "n",
        "serviceAccountName": "s",
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
    }
    children = {
        one["kind"]: one for one in render_graph(resolved(steps({"serviceName": "a"}), **spec), Config())
    }

    pod = children["Deployment"]["spec"]["template"]["spec"]
    assert "replicas" not in children["Deployment"]["spec"]
    assert {key: pod[key] for key in ("nodeSelector", "nodeName", "serviceAccountName")} == {
        "nodeSelector": {"a": "b"},
        "nodeName": "n",
        "serviceAccountName": "s",
    }
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert pod["containers"][0]["resources"]["limits"] == {"cpu": "1", "memory": "512Mi"}
    scaler = children["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 4)
    assert scaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 70
    assert children["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1


def test_every_pod_is_allowed_where_pod_security_is_restricted() -> None:
    deployment = render_graph(resolved(steps({"serviceName": "a"})), Config())[2]
    pod = deployment["spec"]["template"]["spec"]

    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert pod["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is False


def test_the_rendered_children_are_the_recorded_ones() -> None:
    file = Path(__file__).with_name("graph.golden.json")
    children = render_graph(
        resolved(steps({"serviceName": "a"}, {"serviceName": "b", "data": "$response"})), Config()
    )

    assert children == json.loads(file.read_text())


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("none", None), ("ingress", "Ingress"), ("gateway", "HTTPRoute"), ("istio", "VirtualService")],
)
def test_every_kind_of_network_leads_to_the_router(mode: str, kind: str | None) -> None:
    network = Network(mode=mode, domain="d.org", gateway=Gateway(name="gw", namespace="n"))  # type: ignore[arg-type]
    config = Config(network=network)
    effective = resolved(steps({"serviceName": "a"}), config, timeout=7)
    routes = [
        one
        for one in render_graph(effective, config)
        if one["kind"] in ("Ingress", "HTTPRoute", "VirtualService")
    ]

    assert [one["kind"] for one in routes] == ([kind] if kind else [])
    assert effective.url == ("http://g-ns.d.org" if kind else "http://g.ns.svc.cluster.local")
    for one in routes:
        assert one["metadata"]["labels"] == {"serving.kserve.io/inferencegraph": "g"}
        text = json.dumps(one["spec"])
        assert "g-ns.d.org" in text
        assert '"number": 80' in text or '"port": 80' in text


def test_a_route_without_a_gateway_is_a_problem() -> None:
    network = Network(mode="gateway")
    problems = resolve_graph(graph(steps({"serviceName": "a"})), SERVICES, Config(network=network))  # type: ignore[arg-type]

    assert isinstance(problems, list)
    assert [one.code for one in problems] == ["gateway_missing"]
