"""An InferenceGraph on a real API server: its router, a status node by node, and what a change of a service does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.apiserver.serving import Namespace, controlling, isvc, settled, until, writes


def graph(*services: str, **spec: Any) -> dict[str, Any]:
    steps = [{"name": name, "serviceName": name} for name in services]
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "InferenceGraph",
        "metadata": {"name": "g"},
        "spec": {"nodes": {"root": {"routerType": "Sequence", "steps": steps}}, **spec},
    }


def condition(here: Namespace, kind: str) -> dict[str, Any]:
    status = here.read("ig", "g").get("status") or {}
    return next((c for c in status.get("conditions") or () if c["type"] == kind), {})


def file(here: Namespace) -> Any:
    return json.loads(here.read("configmap", "g-graph")["data"]["graph.json"])


async def test_a_graph_is_ready_when_its_router_and_all_its_services_are(
    kubeconfig: Path, here: Namespace
) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc("a"), isvc("b"), graph("a", "b"))
        await until(lambda: condition(here, "Ready").get("reason") == "Starting")
        here.set_status("deployment", "g", {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1})
        await until(lambda: condition(here, "RouterReady").get("status") == "True")
        await settled(process)

        node = condition(here, "Node.root")
        assert (node["status"], node["reason"]) == ("Unknown", "ServiceNotReady")
        assert "step root.a: the InferenceService a is not ready" in node["message"]
        assert condition(here, "Ready")["reason"] == "ServiceNotReady"

        for name in ("a-predictor", "b-predictor"):
            here.answer(name)
        await until(lambda: condition(here, "Ready").get("status") == "True")
        await until(lambda: "InferenceGraphReady" in [reason for _, reason, _ in here.events("g")])
        steps = file(here)["nodes"]["root"]["steps"]
        assert steps[0]["url"] == f"http://a.{here.name}.svc.cluster.local/v1/models/a:predict"


async def test_a_graph_waits_for_a_service_that_is_not_there_and_keeps_its_router_when_one_goes(
    kubeconfig: Path, here: Namespace
) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc("a"), graph("a", "late"))
        await until(lambda: condition(here, "Ready").get("reason") == "ServiceNotFound")
        await until(lambda: here.names("deployments"))
        await settled(process)
        assert here.names("deployments") == ["a-predictor"]

        here.apply(isvc("late"))
        await until(lambda: "g" in here.names("deployments"))
        here.run("delete", "isvc", "late")
        await until(lambda: condition(here, "Ready").get("reason") == "ServiceNotFound")
        await settled(process)

        assert "g" in here.names("deployments")


async def test_a_changed_graph_writes_its_file_and_nothing_else(kubeconfig: Path, here: Namespace) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc("a"), isvc("b"), graph("a"))
        await until(lambda: "g" in here.names("deployments"))
        await settled(process)
        before = here.read("deployment", "g")["metadata"]["generation"]
        quiet = writes(process)

        here.apply(graph("a", "b", timeout=3))
        await until(lambda: file(here).get("timeout") == 3)
        await settled(process)

        assert here.read("deployment", "g")["metadata"]["generation"] == before
        assert writes(process) - quiet <= 3  # the file, the status, an event


async def test_a_condition_that_nobody_understands_is_told_with_its_place(
    kubeconfig: Path, here: Namespace
) -> None:
    wrong = graph("a")
    wrong["spec"]["nodes"]["root"] = {
        "routerType": "Switch",
        "steps": [{"serviceName": "a", "condition": "a|b"}],
    }
    async with controlling(kubeconfig, here.name):
        here.apply(isvc("a"), wrong)
        await until(lambda: condition(here, "Ready").get("reason") == "InvalidSpec")

        assert "spec.nodes.root.steps[0].condition" in condition(here, "Ready")["message"]
        assert "[condition_unparsable]" in condition(here, "Ready")["message"]
