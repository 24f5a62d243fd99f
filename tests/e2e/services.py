"""InferenceServices under test, and where their models come from."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.e2e import models, pods
from tests.e2e.pods import Namespace, Object

WaitFor = Callable[..., Any]


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
    conditions = status(namespace, name).get("conditions") or ()
    return next((c for c in conditions if c["type"] == kind), {})


def is_ready(namespace: Namespace, name: str) -> bool:
    """Whether the newest version of the service is Ready."""
    found = namespace.get("isvc", name)
    seen = (found.get("status") or {}).get("observedGeneration") == found["metadata"]["generation"]
    return seen and condition(namespace, name).get("status") == "True"


def seconds_to_ready(namespace: Namespace, name: str, wait_for: WaitFor, timeout: float = 120) -> float:
    """Wait until a service is Ready; return how long that took."""
    began = time.monotonic()
    wait_for(lambda: is_ready(namespace, name), timeout=timeout)
    return time.monotonic() - began


def shelf(namespace: Namespace, wait_for: WaitFor) -> str:
    """Serve the image of models over HTTP from a pod; return the URL of its folder.

    The same folder is below `/private` for those who send a password.
    """
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
    namespace.apply(pod, service)
    wait_for(lambda: namespace.ready("shelf"))
    return f"http://shelf.{namespace.name}.svc.cluster.local"


def claim(namespace: Namespace, wait_for: WaitFor) -> str:
    """Put the models on a volume and claim it; return the URI of its folder."""
    copy = pods.copier(f"/var/lib/e2e/{namespace.name}")
    namespace.apply(copy)
    name = copy["metadata"]["name"]
    wait_for(
        lambda: namespace.kubectl.get("pod", name, "--namespace=default")["status"]["phase"] == "Succeeded"
    )
    namespace.kubectl("delete", "pod", name, "--namespace=default", "--wait=false")
    namespace.apply(*pods.claimed_volume(namespace.name))
    return "pvc://models"


def image(namespace: Namespace, wait_for: WaitFor) -> str:
    """Return the URI of the image that holds the iris model in its folder `models`."""
    return f"oci+native://{models.REFERENCE}"


def yaml_of(file: Path) -> Object:
    """Return the object of a manifest that has one."""
    found: Object = yaml.safe_load(file.read_text())
    return found
