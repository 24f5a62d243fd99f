"""The guide from KServe to kserve-lite, from the CRDs of KServe's own chart to a model that answers."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.console import ROOT, Shell, matches, steps
from tests.e2e.models import QUESTIONS
from tests.e2e.pods import SERVER, Client
from tests.releases.conftest import Session
from tests.releases.test_life import MODEL
from tools import build

QUESTION, ANSWER = QUESTIONS["iris"]
URL = "http://iris.models.svc.cluster.local/v1/models/iris:predict"


def kserves(session: Session) -> None:
    """Bring what KServe leaves in a cluster: CRDs, a controller, webhooks, and a model in Standard mode."""
    chart = build.source("kserve-router") / "charts" / "kserve-crd"
    session.helm("install", "kserve-crd", chart, "--namespace", "kserve", "--create-namespace")
    webhook = {
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
        "admissionReviewVersions": ["v1beta1", "v1"],
        "failurePolicy": "Fail",
    }
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "iris", "namespace": "models", "finalizers": ["inferenceservice.finalizers"]},
        "spec": {"predictor": {"sklearn": {"storageUri": MODEL}}},
    }
    kubectl = session.kubectl
    for place in ("kserve", "models"):
        kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}))
    kubectl.apply(json.dumps(deployment("kserve", "kserve-controller-manager")))
    kubectl.apply(json.dumps(service))
    uid = kubectl.get("inferenceservice", "iris", "--namespace=models")["metadata"]["uid"]
    owner = {
        "apiVersion": service["apiVersion"],
        "kind": "InferenceService",
        "name": "iris",
        "uid": uid,
        "controller": True,
    }
    kubectl.apply(json.dumps(deployment("models", "iris-predictor", owner)))
    ports = {"selector": {"app": "isvc.iris-predictor"}, "ports": [{"port": 80}]}
    metadata = {"name": "iris-predictor", "namespace": "models", "ownerReferences": [owner]}
    kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": ports}))
    meta = {"name": "inferenceservice.serving.kserve.io"}
    api = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    kubectl.apply(json.dumps({**api, "metadata": meta, "webhooks": [webhook]}))


def deployment(namespace: str, name: str, *owners: dict[str, Any]) -> dict[str, Any]:
    """Return a Deployment as KServe has it, of a container that needs nothing."""
    labels = {"app": f"isvc.{name}"}
    container = {
        "name": "main",
        "image": SERVER,
        "command": ["python", "-c", "import time; time.sleep(3600)"],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "ownerReferences": list(owners)},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


@pytest.mark.parametrize("session", ["helm"], indirect=True)
def test_the_guide_leads_from_kserves_crds_to_a_model_that_answers(
    session: Session, tmp_path: Path, client: Client
) -> None:
    kserves(session)
    for name in ("helm", "kubectl"):
        (tmp_path / name).symlink_to(build.program(name))
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    uid = session.kubectl.get("inferenceservice", "iris", "--namespace=models")["metadata"]["uid"]
    with Shell(ROOT, PATH=path, HOME=str(tmp_path), KUBECONFIG=str(session.kubectl.kubeconfig)) as shell:
        for step in steps(ROOT / "docs/guides/migrating-from-kserve.md"):
            printed = shell.run(step)
            assert matches(step.expected, printed), (step, printed)

    service = session.kubectl.get("inferenceservice", "iris", "--namespace=models")
    assert service["metadata"]["uid"] == uid
    assert client.post(URL, {"instances": QUESTION}) == [200, {"predictions": ANSWER}]
    session.kubectl("delete", "namespace", "models", "kserve", timeout=120)
