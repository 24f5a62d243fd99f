"""Hand-written Kubernetes objects that serve a model, and the namespace of a test."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e import models
from tools.cluster.kubectl import Kubectl, ready
from tools.errors import ToolError
from tools.images.catalogue import IMAGES

SERVER = next(image.reference for image in IMAGES if image.name == "sklearnserver")
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
POD_SECURITY = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}
MODEL_IMAGE = {"name": "models", "image": {"reference": models.REFERENCE, "pullPolicy": "IfNotPresent"}}
MODEL_CLAIM = {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}

Object = dict[str, Any]


@dataclass(frozen=True)
class Namespace:
    """A namespace that Pod Security restricts, made for one test or for a few."""

    name: str
    kubectl: Kubectl

    @classmethod
    @contextmanager
    def fresh(cls, kubectl: Kubectl) -> Iterator[Namespace]:
        """Make a namespace, and delete it when the block ends, with the volume on the node that has its name."""
        name = f"e2e-{uuid4().hex[:8]}"
        meta = {"name": name, "labels": POD_SECURITY}
        kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": meta}))
        try:
            yield cls(name, kubectl)
        finally:
            kubectl("delete", "namespace", name, "--wait=false")
            kubectl("delete", "persistentvolume", name, "--ignore-not-found", "--wait=false")

    def apply(self, *objects: Object) -> None:
        """Apply objects in the namespace; cluster-wide objects name none."""
        for thing in objects:
            if thing["kind"] != "PersistentVolume":
                thing["metadata"].setdefault("namespace", self.name)
        self.kubectl.apply("\n---\n".join(json.dumps(thing) for thing in objects))

    def run(self, *arguments: str, timeout: float = 60, stdin: str | None = None) -> str:
        """Run kubectl in the namespace."""
        return self.kubectl("--namespace", self.name, *arguments, timeout=timeout, stdin=stdin)

    def get(self, *arguments: str) -> Any:
        """Return objects of the namespace."""
        return self.kubectl.get(f"--namespace={self.name}", *arguments)

    def pods(self, app: str) -> list[Any]:
        """Return the pods of one app that are not being deleted."""
        pods = self.get("pods", f"--selector=app={app}")["items"]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def ready(self, app: str) -> bool:
        """Tell whether the app has pods and all are Ready."""
        pods = self.pods(app)
        return bool(pods) and all(ready(pod) for pod in pods)

    def wait_for(self, condition: Callable[[], Any], timeout: float = 90) -> Any:
        """Return what a condition says once it says anything; fail with all that the namespace tells if not in time."""
        end = time.monotonic() + timeout
        while True:
            try:
                if found := condition():
                    return found
                said = ""
            except ToolError as error:  # an object that is not there yet, a server that does not answer yet
                said = str(error)
            if time.monotonic() > end:
                pytest.fail(f"not within {timeout:.0f} s: {said}\n{self.describe()}")
            time.sleep(0.5)

    def describe(self) -> str:
        """Return everything that explains why a wait failed: objects, events, our kinds' status, pods, logs."""
        kinds = self.run(
            "api-resources", "--api-group=serving.kserve.io", "--namespaced", "--output=name"
        ).split()
        pods = [pod["metadata"]["name"] for pod in self.get("pods")["items"]]
        said = []
        for command in (
            ["get", "all", "--output=wide"],
            ["get", "events", "--sort-by=.lastTimestamp"],
            *([["get", ",".join(kinds), "--output=yaml"]] if kinds else []),
            ["describe", "pods"],
            *(["logs", pod, "--all-containers", "--prefix", "--tail=50"] for pod in pods),
        ):
            try:
                said.append(f"$ kubectl {' '.join(command)}\n{self.run(*command)}")
            except ToolError as error:
                said.append(str(error))
        return "\n".join(said)


def server(name: str, volume: Object = MODEL_IMAGE, **container: Any) -> list[Object]:
    """Return a Deployment and a Service that serve model `name` from a volume of models."""
    probe = {"httpGet": {"path": f"/v1/models/{name}", "port": 8080}, "periodSeconds": 1, "timeoutSeconds": 5}
    return [
        deployment(
            name,
            {
                "name": "kserve-container",
                "image": SERVER,
                "imagePullPolicy": "IfNotPresent",
                "args": [f"--model_name={name}", "--model_dir=/mnt/models", "--http_port=8080"],
                "ports": [{"containerPort": 8080}],
                "startupProbe": {**probe, "failureThreshold": 120},
                "readinessProbe": probe,
                # Endpoints are withdrawn while the old pod still answers.
                "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
                "securityContext": RESTRICTED,
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
                "volumeMounts": [
                    {"name": "models", "mountPath": "/mnt/models", "subPath": name, "readOnly": True},
                    {"name": "tmp", "mountPath": "/tmp"},
                ],
                **container,
            },
            [volume, {"name": "tmp", "emptyDir": {}}],
        ),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]


def deployment(name: str, container: Object, volumes: list[Object]) -> Object:
    """Return a Deployment of one container that Pod Security restricted admits."""
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 30,
        "containers": [container],
        "volumes": volumes,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    }


def claimed_volume(name: str) -> list[Object]:
    """Return a volume on the node's disk and the claim that takes it."""
    size = {"storage": "100Mi"}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                "capacity": size,
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": name,
                "hostPath": {"path": f"/var/lib/e2e/{name}", "type": "DirectoryOrCreate"},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "models"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": name,
                "resources": {"requests": size},
            },
        },
    ]


def copier(path: str) -> Object:
    """Return a pod that copies the models' image to a folder of the node: the only pod here that is root."""
    script = f"import shutil; shutil.copytree('/models', '{path}', dirs_exist_ok=True)"
    container = {
        "name": "copy",
        "image": SERVER,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", script],
        "securityContext": {"runAsUser": 0},
        "volumeMounts": [{"name": "models", "mountPath": "/models"}, {"name": "disk", "mountPath": path}],
    }
    disk = {"name": "disk", "hostPath": {"path": path, "type": "DirectoryOrCreate"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"copy-{path.rsplit('/', 1)[-1]}", "namespace": "default"},
        "spec": {"restartPolicy": "Never", "containers": [container], "volumes": [MODEL_IMAGE, disk]},
    }


def killer(part: str) -> Object:
    """Return a pod that kills a process of the node by its name and ends: the node's own tools start it again."""
    container = {
        "name": "kill",
        "image": SERVER,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", KILL, part],
        "securityContext": {"runAsUser": 0, "capabilities": {"add": ["KILL"]}},
    }
    spec = {"restartPolicy": "Never", "hostPID": True, "containers": [container]}
    meta = {"name": f"kill-{part}", "namespace": "kube-system"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


KILL = """
import os, sys
for number in filter(str.isdigit, os.listdir("/proc")):
    try:
        command = open(f"/proc/{number}/cmdline").read().split(chr(0))[0]
    except OSError:
        continue
    if command.rpartition("/")[2] == sys.argv[1]:
        os.kill(int(number), 9)
        sys.exit()
sys.exit(f"there is no {sys.argv[1]}")
"""
