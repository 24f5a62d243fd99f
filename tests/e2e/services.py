"""InferenceServices under test, and where their models come from."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml

from tests.e2e import models, pods
from tests.e2e.pods import Namespace, Object

IMAGE = f"oci+native://{models.REFERENCE}"  # it holds the iris model in its folder `models`


def isvc(name: str, uri: str, **predictor: Any) -> Object:
    """Return the InferenceService of the README, under a name and a URI."""
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name},
        "spec": {"predictor": {"sklearn": {"storageUri": uri}, **predictor}},
    }


def custom(name: str, **container: Any) -> Object:
    """Return an InferenceService of a container that the user brings."""
    own = {"name": "kserve-container", "image": pods.SERVER, "imagePullPolicy": "IfNotPresent", **container}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name},
        "spec": {"predictor": {"containers": [own]}},
    }


def status(namespace: Namespace, name: str) -> Object:
    """Return the status of a service, empty before there is one."""
    found: Object = namespace.get("isvc", name).get("status") or {}
    return found


def condition(namespace: Namespace, name: str, kind: str = "Ready") -> Object:
    """Return a condition, empty when there is none."""
    return condition_of(status(namespace, name), kind)


def condition_of(status: Object, kind: str) -> Object:
    """Return a condition out of a status, empty when there is none."""
    return next((one for one in status.get("conditions") or () if one["type"] == kind), {})


def is_ready(namespace: Namespace, name: str) -> bool:
    """Whether the newest version of the service is Ready."""
    found = namespace.get("isvc", name)
    status = found.get("status") or {}
    seen = status.get("observedGeneration") == found["metadata"]["generation"]
    return seen and condition_of(status, "Ready").get("status") == "True"


def seconds_to_ready(namespace: Namespace, name: str, timeout: float = 120) -> float:
    """Wait until a service is Ready; return how long that took."""
    began = time.monotonic()
    namespace.wait_for(lambda: is_ready(namespace, name), timeout)
    return time.monotonic() - began


def shelf() -> list[Object]:
    """Return a web server of the image of models, which has all of it below `/private` for those with a password."""
    script = "import http.server; http.server.test(HandlerClass=H, port=8000, bind='0.0.0.0')"
    handler = (
        "import functools, http.server\n"
        "class H(http.server.SimpleHTTPRequestHandler):\n"
        "    def __init__(self, *a, **k): super().__init__(*a, directory='/models', **k)\n"
        "    def do_GET(self): self.judge() or super().do_GET()\n"
        "    def do_HEAD(self): self.judge() or super().do_HEAD()\n"
        "    def judge(self):\n"
        "        closed, self.path = self.path.startswith('/private/'), self.path.removeprefix('/private')\n"
        "        if closed and not self.headers.get('Authorization'):\n"
        "            return self.send_error(401) or True\n"
        "        if 'denied' in self.path:\n"
        "            return self.send_error(403) or True\n"
    )
    container = {
        "name": "shelf",
        "image": pods.SERVER,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", handler + script],
        "securityContext": pods.RESTRICTED,
        "ports": [{"containerPort": 8000}],
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
        "volumeMounts": [{"name": "models", "mountPath": "/models", "readOnly": True}],
    }
    pod = pods.deployment("shelf", container, [pods.MODEL_IMAGE])
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "shelf"},
        "spec": {"selector": {"app": "shelf"}, "ports": [{"port": 80, "targetPort": 8000}]},
    }
    return [pod, service]


def claim(namespace: Namespace) -> str:
    """Put the models on a volume and claim it; return the URI of its folder."""
    copy = pods.copier(f"/var/lib/e2e/{namespace.name}")
    namespace.apply(copy)
    there = ("pod", copy["metadata"]["name"], "--namespace=default")
    namespace.wait_for(lambda: namespace.kubectl.get(*there)["status"]["phase"] == "Succeeded")
    namespace.kubectl("delete", *there, "--wait=false")
    namespace.apply(*pods.claimed_volume(namespace.name))
    return "pvc://models"


def yaml_of(file: Path) -> Object:
    """Return the object of a manifest that has one."""
    found: Object = yaml.safe_load(file.read_text())
    return found
