"""Graphs of services, many models in one server and explanations, in the cluster and from outside of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import services
from tests.e2e.client import Client, Load
from tests.e2e.models import QUESTIONS
from tests.e2e.pods import Namespace, Object
from tests.e2e.release import BY_HTTP_ROUTE, BY_INGRESS, Release

WaitFor = Callable[..., Any]

GATEWAY = "http://traefik.gateway.svc.cluster.local"
FLOWERS: Any = QUESTIONS["iris"]
ROWS, (SMALL, LARGE) = FLOWERS


@pytest.fixture
def routed(release: Release) -> Release:
    """The release, with routes by the cluster's gateway."""
    release.have(BY_HTTP_ROUTE)
    return release


def graph(name: str, nodes: Object) -> Object:
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "InferenceGraph",
        "metadata": {"name": name},
        "spec": {"nodes": nodes},
    }


def flow(largest: int = 6) -> Object:
    """Long flowers are voted on by two services, all others go to one of two."""
    vote = [{"name": one, "serviceName": one, "dependency": "Hard"} for one in ("a", "b")]
    split = [{"name": one, "serviceName": one, "weight": 50} for one in ("c", "d")]
    root = [
        {"name": "long", "nodeName": "vote", "condition": f"instances.#(0>{largest})"},
        {"name": "short", "nodeName": "split", "condition": "instances"},
    ]
    nodes = {"root": ("Switch", root), "vote": ("Ensemble", vote), "split": ("Splitter", split)}
    return graph(
        "flow", {name: {"routerType": kind, "steps": steps} for name, (kind, steps) in nodes.items()}
    )


def condition(namespace: Namespace, kind: str, name: str, wanted: str = "Ready") -> Object:
    """A condition about the object as it is now; empty while there is none."""
    found = namespace.get(kind, name)
    status = found.get("status") or {}
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        return {}
    return services.condition_of(status, wanted)


def is_true(namespace: Namespace, kind: str, name: str, wanted: str = "Ready") -> bool:
    return condition(namespace, kind, name, wanted).get("status") == "True"


def looked(namespace: Namespace, selector: str) -> bool:
    """Let the kubelet look at mounted ConfigMaps now: it does when a pod changes, else about once a minute."""
    namespace.run(
        "annotate", "pods", f"--selector={selector}", f"looked={time.monotonic_ns()}", "--overwrite"
    )
    return True


def pods(namespace: Namespace, selector: str) -> list[str]:
    found = namespace.get("pods", f"--selector={selector}")["items"]
    return sorted(pod["metadata"]["name"] for pod in found)


def test_a_graph_of_four_services_is_ready_when_all_are_and_loses_no_request_while_a_step_is_replaced(
    routed: Release, namespace: Namespace, client: Client, wait_for: WaitFor
) -> None:
    uri = services.IMAGE
    inside = f"http://flow.{namespace.name}.svc.cluster.local/"
    host = f"flow-{namespace.name}.example.com"
    short, long = {"instances": ROWS[:1]}, {"instances": ROWS[1:]}
    voted = [200, {"a": {"predictions": [LARGE]}, "b": {"predictions": [LARGE]}}]
    namespace.apply(flow(), *(services.isvc(name, uri) for name in ("a", "b", "c")))

    wait_for(lambda: is_true(namespace, "ig", "flow", "Node.vote"), timeout=120)
    wait_for(
        lambda: condition(namespace, "ig", "flow", "Node.split").get("reason") == "ServiceNotFound",
        timeout=60,
    )
    assert "step split.d" in condition(namespace, "ig", "flow", "Node.split")["message"]
    assert condition(namespace, "ig", "flow")["status"] != "True"

    namespace.apply(services.isvc("d", uri))
    wait_for(lambda: is_true(namespace, "ig", "flow"), timeout=120)
    assert namespace.get("ig", "flow")["status"]["url"] == f"http://{host}"
    assert client.post(inside, short) == [200, {"predictions": [SMALL]}]
    wait_for(lambda: client.post(f"{GATEWAY}/", long, host=host) == voted)

    routers = pods(namespace, "serving.kserve.io/inferencegraph=flow")
    with Load(client, inside, long, threads=2) as load:
        wait_for(lambda: load.answered() > 20)
        before = pods(namespace, "app=isvc.a-predictor")
        namespace.apply(services.isvc("a", uri, annotations={"changed": "yes"}))
        wait_for(lambda: set(pods(namespace, "app=isvc.a-predictor")).isdisjoint(before), timeout=120)
        namespace.apply(flow(largest=99))  # nobody is that long: all go to the split
        wait_for(lambda: "99" in str(namespace.get("configmap", "flow-graph")))
        wait_for(
            lambda: (
                looked(namespace, "serving.kserve.io/inferencegraph=flow")
                and client.post(inside, long) == [200, {"predictions": [LARGE]}]
            ),
            timeout=120,
        )
        said = load.stop()

    assert said["failed"] == []
    assert said["ok"] > 50
    assert pods(namespace, "serving.kserve.io/inferencegraph=flow") == routers


def trained(name: str, uri: str) -> Object:
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "TrainedModel",
        "metadata": {"name": name},
        "spec": {
            "inferenceService": "many",
            "model": {"storageUri": uri, "framework": "sklearn", "memory": "8Mi"},
        },
    }


def test_twenty_models_of_one_server_come_change_and_go_while_the_others_answer(
    kserve_lite: Release, namespace: Namespace, client: Client, shelf: str, wait_for: WaitFor
) -> None:
    iris, text = f"{shelf}/iris/model.joblib", f"{shelf}/text/model.joblib"
    server = f"http://many.{namespace.name}.svc.cluster.local/v1/models"
    names = [f"m{number}" for number in range(20)]
    texts: Any = QUESTIONS["text"]
    sentences, words = texts
    namespace.apply(*(trained(name, iris) for name in names))
    wait_for(lambda: condition(namespace, "tm", "m7").get("reason") == "ParentMissing")

    many: Object = services.isvc("many", "")
    many["spec"]["predictor"] = {"sklearn": {}}
    namespace.apply(many)
    wait_for(lambda: all(is_true(namespace, "tm", name) for name in names), timeout=150)
    for name in names:
        assert client.post(f"{server}/{name}:predict", {"instances": ROWS}) == [
            200,
            {"predictions": [SMALL, LARGE]},
        ]

    running = pods(namespace, "app=isvc.many-predictor")
    with Load(client, f"{server}/m0:predict", {"instances": ROWS}, threads=2) as load:
        wait_for(lambda: load.answered() > 20)
        namespace.apply(trained("m1", text), trained("m2", f"{shelf}/broken/model.joblib"))
        namespace.run("delete", "tm", "m3")
        # The list is the InferenceService's child: once it has changed, the kubelet brings it.
        wait_for(lambda: '"m3"' not in str(namespace.get("configmap", "modelconfig-many-0")))
        wait_for(lambda: "broken" in str(namespace.get("configmap", "modelconfig-many-0")))
        wait_for(
            lambda: looked(namespace, "app=isvc.many-predictor") and is_true(namespace, "tm", "m1"),
            timeout=150,
        )
        wait_for(
            lambda: condition(namespace, "tm", "m2", "Loaded").get("reason") == "ModelLoadFailed", timeout=60
        )
        changed = client.post(f"{server}/m1:predict", {"instances": sentences})
        kept = client.post(f"{server}/m2:predict", {"instances": ROWS})
        gone = client.post(f"{server}/m3:predict", {"instances": ROWS})
        said = load.stop()

    assert changed == [200, {"predictions": words}]
    assert kept == [200, {"predictions": [SMALL, LARGE]}]
    assert "the version before answers" in condition(namespace, "tm", "m2")["message"]
    assert (gone[0], gone[1]["code"]) == (404, "model_not_found")
    assert said["failed"] == []
    assert said["ok"] > 50
    assert pods(namespace, "app=isvc.many-predictor") == running


def test_explanations_and_graphs_are_reached_from_outside_by_http_route_and_by_ingress(
    routed: Release, namespace: Namespace, client: Client, wait_for: WaitFor
) -> None:
    made = services.isvc("flowers", services.IMAGE)
    made["spec"]["explainer"] = {"type": "permutation", "config": {"samples": "2"}}
    alone = {"routerType": "Sequence", "steps": [{"name": "only", "serviceName": "flowers"}]}
    namespace.apply(made, graph("through", {"root": alone}))
    flowers, through = (f"{name}-{namespace.name}.example.com" for name in ("flowers", "through"))
    body = {"instances": ROWS}
    predicted = [200, {"predictions": [SMALL, LARGE]}]

    for kind in ("httproute", "ingress"):
        if kind == "ingress":
            routed.have(BY_INGRESS)
        wait_for(lambda kind=kind: namespace.get(kind, "flowers") and namespace.get(kind, "through"))
        wait_for(lambda: is_true(namespace, "ig", "through"), timeout=120)
        explain, predict = (f"{GATEWAY}/v1/models/flowers:{verb}" for verb in ("explain", "predict"))
        wait_for(lambda url=explain: client.post(url, body, host=flowers)[0] == 200)

        status, said = client.post(explain, body, host=flowers)

        assert (status, len(said["explanations"])) == (200, 2)
        assert client.post(predict, body, host=flowers) == predicted
        wait_for(lambda: client.post(f"{GATEWAY}/", body, host=through) == predicted)
