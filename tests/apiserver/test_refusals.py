"""What the API server refuses is told under a reason of its own, with what helps, and gone when it helped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.api.config import Config
from kserve_lite.controller.rights import RIGHTS
from tests.apiserver.serving import RUNTIME, Kubectl, Namespace, controlling, isvc, limited, settled, until
from tools import build


@pytest.fixture
def gateway(kubectl: Kubectl) -> None:
    """The kinds of Gateway API; nobody who would serve them."""
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=build.crds("gateway-api"))
    kubectl(
        "wait", "--for=condition=Established", "crd/httproutes.gateway.networking.k8s.io", "--timeout=60s"
    )


@pytest.fixture
def policy(here: Namespace, kubectl: Kubectl) -> Iterator[None]:
    """A policy of the cluster that takes no Service called iris."""
    admission = {"apiVersion": "admissionregistration.k8s.io/v1"}
    services = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["services"]}
    policy = {
        **admission,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": here.name},
        "spec": {
            "matchConstraints": {"resourceRules": [services]},
            "validations": [
                {"expression": "object.metadata.name != 'iris'", "message": "irises grow elsewhere"}
            ],
        },
    }
    where = {"matchLabels": {"kubernetes.io/metadata.name": here.name}}
    binding = {
        **admission,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": here.name},
        "spec": {
            "policyName": here.name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": where},
        },
    }
    kubectl("apply", "-f", "-", stdin="\n---\n".join(map(json.dumps, (policy, binding))))
    yield
    kubectl("delete", "validatingadmissionpolicybinding", here.name)
    kubectl("delete", "validatingadmissionpolicy", here.name)


async def test_a_policy_of_the_cluster_is_quoted(kubeconfig: Path, here: Namespace, policy: None) -> None:
    probe = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "iris"},
        "spec": {"ports": [{"port": 80}]},
    }

    def refused() -> bool:
        try:
            here.run("create", "--dry-run=server", "-f", "-", stdin=json.dumps(probe))
        except AssertionError as said:
            return "irises grow elsewhere" in str(said)
        return False

    await until(refused)  # the API server takes a moment to follow a new policy
    async with controlling(kubeconfig, here.name):
        here.apply(isvc())
        await until(lambda: here.ready().get("reason") == "ChildRefused")

        assert "Service iris" in here.ready()["message"]
        assert "irises grow elsewhere" in here.ready()["message"]
        assert here.read("isvc", "iris")["status"]["modelStatus"]["transitionStatus"] == "InvalidSpec"
        await until(lambda: ("Warning", "ChildRefused") in [one[:2] for one in here.events()])


async def test_a_right_that_is_missing_is_named_and_the_service_comes_up_once_it_is_granted(
    kubeconfig: Path, here: Namespace, kubectl: Kubectl
) -> None:
    reading = [
        replace(one, verbs=("list", "watch")) if one.resource == "deployments" else one for one in RIGHTS
    ]
    narrow = limited(kubeconfig, here.name, kubectl, reading)
    async with controlling(narrow, here.name):
        here.apply(isvc())
        await until(lambda: here.ready().get("reason") == "Forbidden")
        assert "Deployment iris-predictor" in here.ready()["message"]
        assert 'cannot patch resource "deployments"' in here.ready()["message"]
        assert here.names("services") == ["iris", "iris-predictor"]

        limited(kubeconfig, here.name, kubectl)
        await until(lambda: here.ready().get("reason") == "Starting")


async def test_a_kind_that_the_cluster_lacks_is_named_until_it_is_installed(
    kubeconfig: Path, here: Namespace, kubectl: Kubectl
) -> None:
    kubectl("delete", "crd", "virtualservices.networking.istio.io", "--ignore-not-found")
    config = Config.model_validate(
        {"network": {"mode": "istio", "gateway": {"name": "outside"}}}, by_name=False
    )
    async with controlling(kubeconfig, here.name, config):
        here.apply(isvc())
        await until(lambda: here.ready().get("reason") == "KindNotInstalled")

        assert "the cluster has no kind VirtualService" in here.ready()["message"]
        assert "choose another network mode" in here.ready()["message"]
        assert here.names("deployments") == ["iris-predictor"]  # what does not need the kind is there


async def test_a_runtime_that_is_not_there_is_named(kubeconfig: Path, here: Namespace) -> None:
    asking = isvc()
    asking["spec"]["predictor"] = {
        "model": {"modelFormat": {"name": "sklearn"}, "runtime": "absent", "storageUri": "pvc://models/iris"}
    }
    async with controlling(kubeconfig, here.name):
        here.apply(asking)
        await until(lambda: here.ready().get("reason") == "RuntimeNotRecognized")
        assert "absent" in here.ready()["message"]


async def test_a_route_is_pending_until_its_gateway_speaks_and_quoted_when_it_refuses(
    kubeconfig: Path, here: Namespace, gateway: None
) -> None:
    network = {"mode": "gateway", "gateway": {"name": "outside", "namespace": "gateways"}}
    config = Config.model_validate({"network": network}, by_name=False)
    async with controlling(kubeconfig, here.name, config):
        here.apply(isvc())
        await until(lambda: here.condition("IngressReady").get("reason") == "RoutePending")

        said = {"type": "Accepted", "status": "False", "reason": "NotAllowedByListeners",
                "message": "this namespace may not", "lastTransitionTime": "2026-01-01T00:00:00Z"}  # fmt: skip
        parent = {"parentRef": {"name": "outside"}, "controllerName": "test/gateway", "conditions": [said]}
        here.set_status("httproute", "iris", {"parents": [parent]})
        await until(lambda: here.condition("IngressReady").get("reason") == "RouteNotAccepted")
        assert (
            "Gateway outside: NotAllowedByListeners: this namespace may not"
            in here.condition("IngressReady")["message"]
        )

        said |= {"status": "True", "reason": "Accepted"}
        for name in here.names("httproutes"):
            here.set_status("httproute", name, {"parents": [parent]})
        await until(lambda: here.condition("IngressReady").get("status") == "True")


async def test_a_stop_and_a_change_of_the_runtime_are_events(kubeconfig: Path, here: Namespace) -> None:
    def reasons() -> list[str]:
        return [reason for _, reason, _ in here.events()]

    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc())
        await until(lambda: here.names("deployments"))
        await settled(process)
        better: dict[str, Any] = json.loads(json.dumps(RUNTIME))
        better["metadata"] = {"name": "better"}
        better["spec"]["supportedModelFormats"][0]["priority"] = 2
        here.apply(better)
        here.apply(isvc(nodeSelector={"disk": "ssd"}))  # other pods take what is installed now
        await until(lambda: "RuntimeChanged" in reasons())

        here.run("annotate", "isvc", "iris", "serving.kserve.io/stop=true")
        await until(lambda: "InferenceServiceStopped" in reasons())
