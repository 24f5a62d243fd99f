"""The guide from KServe to kserve-lite, from the CRDs of KServe's own chart to a model that never stopped to answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.console import ROOT, Shell, matches, search_path, steps
from tests.e2e import pods
from tests.e2e.client import Client, Load
from tests.e2e.models import QUESTIONS
from tests.e2e.pods import SERVER, Namespace
from tests.releases.conftest import Session
from tests.releases.test_life import MODEL
from tools import build
from tools.errors import ToolError

QUESTION, ANSWER = QUESTIONS["iris"]
BEFORE = "http://iris-predictor.models.svc.cluster.local/v1/models/iris:predict"
AFTER = "http://iris.models.svc.cluster.local/v1/models/iris:predict"
SERVICE = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "iris", "finalizers": ["inferenceservice.finalizers"]},
    "spec": {"predictor": {"sklearn": {"storageUri": MODEL}}},
}
WEBHOOK = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "inferenceservice.serving.kserve.io"},
    "webhooks": [
        {
            "name": "inferenceservice.kserve-webhook-server.validator",
            "clientConfig": {"service": {"name": "kserve-webhook-server-service", "namespace": "kserve"}},
            "rules": [
                {
                    "apiGroups": ["serving.kserve.io"],
                    "apiVersions": ["v1beta1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["inferenceservices"],
                }
            ],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail",
        }
    ],
}


@pytest.fixture
def kserve(session: Session) -> Iterator[Namespace]:
    """Bring what KServe leaves in a cluster: CRDs, a controller, a webhook, a model in Standard mode; return its place.

    KServe's controller itself is a container that does nothing: it is stopped before anything else.
    """
    chart = build.source("kserve") / "charts" / "kserve-crd"
    session.helm("install", "kserve-crd", chart, "--namespace", "kserve", "--create-namespace")
    kubectl = session.kubectl
    controller = ("kserve-controller-manager", f"--image={SERVER}", "--namespace=kserve")
    kubectl("create", "deployment", *controller, "--", "sleep", "3600")
    kubectl("create", "namespace", "models")
    place = Namespace("models", kubectl)
    place.apply(SERVICE)
    uid = place.get("inferenceservice", "iris")["metadata"]["uid"]
    owner = {key: SERVICE[key] for key in ("apiVersion", "kind")} | {
        "name": "iris",
        "uid": uid,
        "controller": True,
    }
    for one in pods.server("iris"):
        place.apply(standard(one, owner))
    kubectl.apply(json.dumps(WEBHOOK))
    yield place
    patch = '{"metadata":{"finalizers":null}}'
    kubectl("delete", "validatingwebhookconfiguration", WEBHOOK["metadata"]["name"], "--ignore-not-found")  # type: ignore[index]
    try:
        place.run("patch", "inferenceservice", "iris", "--type=merge", f"--patch={patch}")
    finally:
        kubectl("delete", "namespace", "models", "kserve", timeout=180)


def standard(thing: dict[str, Any], owner: dict[str, Any]) -> dict[str, Any]:
    """Return a Deployment or Service under the names of KServe's Standard mode, its pod with something of its own."""
    labels = {"app": "isvc.iris-predictor"}
    thing["metadata"] |= {"name": "iris-predictor", "ownerReferences": [owner]}
    if thing["kind"] == "Service":
        thing["spec"]["selector"] = labels
        return thing
    spec = thing["spec"]
    spec["selector"]["matchLabels"] = spec["template"]["metadata"]["labels"] = labels
    spec["template"]["spec"]["volumes"].append({"name": "kserve-provision-location", "emptyDir": {}})
    return thing


@pytest.mark.parametrize("session", ["helm"], indirect=True)
def test_the_guide_leads_from_kserve_to_kserve_lite_without_a_failed_request(
    session: Session, kserve: Namespace, tmp_path: Path, client: Client, wait_for: Callable[..., Any]
) -> None:
    path = search_path(tmp_path, "helm", "kubectl")
    answer = [200, {"predictions": ANSWER}]
    wait_for(lambda: client.post(BEFORE, {"instances": QUESTION}) == answer)
    with pytest.raises(ToolError, match="failed calling webhook"):
        kserve.run("annotate", "inferenceservice", "iris", "a=b")
    uid = kserve.get("inferenceservice", "iris")["metadata"]["uid"]

    with (
        Load(client, BEFORE, {"instances": QUESTION}, rate=20) as load,
        Shell(ROOT, PATH=path, HOME=str(tmp_path), KUBECONFIG=str(session.kubectl.kubeconfig)) as shell,
    ):
        for step in steps(ROOT / "docs/guides/migrating-from-kserve.md"):
            printed = shell.run(step)
            assert matches(step.expected, printed), (step, printed)
        said = load.stop()

    assert said["failed"] == []
    assert said["ok"] > 0
    service = kserve.get("inferenceservice", "iris")
    assert service["metadata"]["uid"] == uid
    template = kserve.get("deployment", "iris-predictor")["spec"]["template"]
    assert "kserve-provision-location" not in json.dumps(template)
    assert client.post(AFTER, {"instances": QUESTION}) == answer
    print(f"\n{said['ok']} requests from KServe's pod to ours, none failed")
