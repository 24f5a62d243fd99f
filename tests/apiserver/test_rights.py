"""The rights of the chart's role are those that the controller uses: each once at least, and no other is missed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.api.config import Config
from kserve_lite.controller.cluster import child_kinds
from kserve_lite.controller.rights import RIGHTS
from kserve_lite.controller.runtime import events
from kserve_lite.controller.runtime.manager import Manager
from tests.apiserver.serving import RUNTIME, Kubectl, Namespace, Object, controlling, isvc, limited, until
from tests.apiserver.test_inferencegraph import graph
from tests.apiserver.test_trainedmodel import PARENT, model
from tools import build

LONG_AGO = "2026-01-01T00:00:00Z"
GATEWAY = {"network": {"gateway": {"name": "outside", "namespace": "gateways"}}}
NETWORK, SCALER = "serving.kserve.io/network", "serving.kserve.io/autoscalerClass"


@pytest.fixture
def here(namespace: str, kubectl: Kubectl, installed: str) -> Namespace:
    """The test's namespace, with our kinds, those of everybody else, and a runtime that takes lists of models."""
    crds = "\n---\n".join(build.crds(name) for name in ("gateway-api", "istio-api", "keda"))
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=crds)
    for kind in (
        "httproutes.gateway.networking.k8s.io",
        "virtualservices.networking.istio.io",
        "scaledobjects.keda.sh",
    ):
        kubectl("wait", "--for=condition=Established", f"crd/{kind}", "--timeout=60s")
    place = Namespace(namespace, kubectl)
    marks = {"serving.kserve.io/server-type": "kserve-lite"}
    place.apply({**RUNTIME, "metadata": {"name": "sklearn", "annotations": marks}})
    return place


def annotated(name: str, annotations: dict[str, str], **predictor: Any) -> Object:
    service = isvc(name, **predictor)
    service["metadata"]["annotations"] = annotations
    return service


CPU: Object = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
SERVICES: list[Object] = [
    isvc("plain", minReplicas=2, maxReplicas=2),
    isvc("hpa", minReplicas=1, maxReplicas=3, scaleMetric="cpu", scaleTarget=80),
    annotated("keda", {SCALER: "keda"}, minReplicas=1, maxReplicas=3, autoScaling={"metrics": [CPU]}),
    annotated("ing", {NETWORK: "ingress"}),
    annotated("gw", {NETWORK: "gateway"}),
    annotated("mesh", {NETWORK: "istio"}),
]


def foreign(api_version: str, kind: str, name: str, spec: Object, field: str = "spec") -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, field: spec}


THEIRS = {"matchLabels": {"app": "theirs"}}
POD = {"metadata": {"labels": {"app": "theirs"}}, "spec": {"containers": [{"name": "a", "image": "theirs"}]}}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "theirs"}
FOREIGN: list[Object] = [
    foreign("v1", "ConfigMap", "modelconfig-many-0", {"models.json": "[7]"}, "data"),
    foreign("v1", "Service", "plain", {"ports": [{"port": 80, "targetPort": 1}]}),
    foreign("apps/v1", "Deployment", "plain-predictor", {"selector": THEIRS, "template": POD}),
    foreign("policy/v1", "PodDisruptionBudget", "plain-predictor", {"minAvailable": 7, "selector": THEIRS}),
    foreign("autoscaling/v2", "HorizontalPodAutoscaler", "hpa-predictor", {"scaleTargetRef": TARGET, "maxReplicas": 9}),
    foreign("keda.sh/v1alpha1", "ScaledObject", "keda-predictor",
            {"scaleTargetRef": {"name": "theirs"}, "triggers": [{"type": "cpu", "metadata": {"value": "1"}}]}),
    foreign("networking.k8s.io/v1", "Ingress", "ing", {"rules": [{"host": "theirs.example.org"}]}),
    foreign("gateway.networking.k8s.io/v1", "HTTPRoute", "gw", {"hostnames": ["theirs.example.org"]}),
    foreign("networking.istio.io/v1", "VirtualService", "mesh", {"hosts": ["theirs.example.org"]}),
]  # fmt: skip


async def test_each_right_is_used_and_none_is_missing(
    kubeconfig: Path,
    here: Namespace,
    kubectl: Kubectl,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("POD_NAMESPACE", here.name)  # where the Lease is
    monkeypatch.setattr(events, "AGAIN", 0.0)
    caplog.set_level("INFO", "kserve_lite")
    config = Config.model_validate(GATEWAY, by_name=False)
    narrow = limited(kubeconfig, here.name, kubectl)
    here.apply(*FOREIGN)
    async with controlling(narrow, here.name, config, lease_seconds=60.0) as process:
        here.apply(*SERVICES, PARENT, model("rose"), isvc("a"), graph("a"))
        sent = counted(process)
        resources = [kind.resource() for kind in child_kinds(config)]
        await until(
            lambda: all(("get", resource) in sent() for resource in resources)
        )  # strangers in the way
        here.run("delete", *(f"{one['kind']}/{one['metadata']['name']}" for one in FOREIGN))
        await until(lambda: {"hpa-predictor"} <= set(here.names("hpa")))
        await until(lambda: all(here.names(resource) for resource in resources), 240)

        pods(here)
        await until(lambda: {("get", "pods/log"), ("list", "events")} <= sent())

        here.run("delete", "tm", "rose")
        here.apply(isvc(PARENT["metadata"]["name"]))  # with a model of its own it needs no list any more
        for stop in ("true", "false", "true"):  # the second time is counted, not said anew
            for service in SERVICES:
                name = service["metadata"]["name"]
                here.run("annotate", "isvc", name, f"serving.kserve.io/stop={stop}", "--overwrite")
                await until(lambda name=name, stop=stop: stopped(here, name) == (stop == "true"))
        await until(lambda: all(("delete", resource) in sent() for resource in resources))
        await until(lambda: ("patch", "events.events.k8s.io") in sent())
        await until(lambda: ("patch", "inferencegraphs.serving.kserve.io/status") in sent())

        used = sent()
    # Server-side apply of what is not there is a patch on the wire, and asks for the right to create.
    used |= {("create", resource) for resource in resources if ("patch", resource) in used}
    # The kinds of the cluster as a whole are refused to this account: they are asked for, and never followed.
    granted = {
        (verb, right.name)
        for right in RIGHTS
        for verb in right.verbs
        if (verb, right.where) != ("watch", "cluster")
    }
    assert granted - used == set(), "rights that nothing uses"
    assert used - granted == set(), "requests that the role does not allow"
    said = [record.getMessage() for record in caplog.records if "forbidden" in record.getMessage().lower()]
    assert all("at the cluster scope" in one for one in said), said


def counted(process: Manager) -> Callable[[], set[tuple[str, str]]]:
    return lambda: set(process.kube.counts)


def stopped(here: Namespace, name: str) -> bool:
    return here.condition("Stopped", name).get("status") == "True"


def pods(here: Namespace) -> None:
    """Make a pod whose server does not answer, and one whose container is not made."""
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": LONG_AGO}
    head = {"name": "kserve-container", "image": "none", "imageID": "", "restartCount": 0, "ready": False}
    states = {
        "silent": {"running": {"startedAt": LONG_AGO}},
        "unmade": {"waiting": {"reason": "ContainerCreating"}},
    }
    for name, state in states.items():
        labels = {"serving.kserve.io/inferenceservice": "plain", "component": "predictor"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}}
        here.apply({**pod, "spec": {"containers": [{"name": "kserve-container", "image": "none"}]}})
        here.set_status("pod", name, {"phase": "Pending", "conditions": [scheduled],
                                      "containerStatuses": [{**head, "state": state}]})  # fmt: skip
