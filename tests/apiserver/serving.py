"""A controller under test: the product's own wiring against the API server, and words when a wait fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.controller.rights import RIGHTS, Right
from kserve_lite.controller.run import Options, manager
from kserve_lite.controller.runtime.manager import Manager
from tests.apiserver.stillness import still
from tools.apiserver import free_port

Object = dict[str, Any]
Kubectl = Callable[..., str]

RUNTIME: Object = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "ServingRuntime",
    "metadata": {"name": "sklearn"},
    "spec": {
        "supportedModelFormats": [{"name": "sklearn", "version": "1", "autoSelect": True, "priority": 1}],
        "protocolVersions": ["v1", "v2"],
        "containers": [
            {
                "name": "kserve-container",
                "image": "kserve-lite/sklearnserver:test",
                "args": ["--model_name={{.Name}}", "--model_dir=/mnt/models", "--http_port=8080"],
                "ports": [{"containerPort": 8080, "name": "http"}],
            }
        ],
    },
}


def isvc(name: str = "iris", uri: str = "pvc://models/iris", **predictor: Any) -> Object:
    """Return the InferenceService of the README."""
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name},
        "spec": {"predictor": {"sklearn": {"storageUri": uri}, **predictor}},
    }


class Namespace:
    """The objects of one test's namespace."""

    def __init__(self, name: str, kubectl: Kubectl) -> None:
        self.name = name
        self.kubectl = kubectl

    def apply(self, *objects: Object) -> None:
        """Apply objects as a user does."""
        for thing in objects:
            thing["metadata"]["namespace"] = self.name
        self.kubectl("apply", "-f", "-", stdin="\n---\n".join(json.dumps(thing) for thing in objects))

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl here."""
        return self.kubectl("-n", self.name, *arguments, stdin=stdin)

    def read(self, kind: str, name: str) -> Any:
        """Return one object."""
        return json.loads(self.run("get", kind, name, "-o", "json"))

    def names(self, kind: str) -> list[str]:
        """Return the names of all objects of a kind."""
        return self.run("get", kind, "-o", "jsonpath={.items[*].metadata.name}").split()

    def ready(self, name: str = "iris") -> Object:
        """Return the condition Ready."""
        return self.condition("Ready", name)

    def condition(self, kind: str, name: str = "iris") -> Object:
        """Return a condition, empty when there is none."""
        status = self.read("isvc", name).get("status") or {}
        return next((c for c in status.get("conditions") or () if c["type"] == kind), {})

    def events(self, name: str = "iris") -> list[tuple[str, str, str]]:
        """Return type, reason and note of what was said about a service."""
        items = json.loads(self.run("get", "events.events.k8s.io", "-o", "json"))["items"]
        return [(e["type"], e["reason"], e["note"]) for e in items if e["regarding"]["name"] == name]

    def answer(self, deployment: str) -> None:
        """Let a Deployment be rolled out and its pod answer, as its controller and a kubelet would."""
        found = self.read("deployment", deployment)
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
        seen = {"observedGeneration": found["metadata"]["generation"]}
        template = found["spec"]["template"]
        version = sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:8]
        self.set_status("deployment", deployment, {**counts, **seen})
        for old in self.run("get", "pods", "-l", f"app={deployment}", "-o", "name").split():
            self.run("delete", old, "--grace-period=0", "--force")
        labels = {**template["metadata"]["labels"], "app": deployment, "pod-template-hash": version}
        container = {"name": "kserve-container", "image": "none"}
        name = f"{deployment}-{version}"
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}}
        self.apply({**pod, "spec": {"containers": [container]}})
        ready = [{"type": "Ready", "status": "True"}]
        self.set_status("pod", name, {"phase": "Running", "conditions": ready})

    def set_status(self, kind: str, name: str, status: Object) -> None:
        """Write what a kubelet or the Deployment's controller would write: neither runs here."""
        patch = json.dumps({"status": status})
        self.run("patch", kind, name, "--subresource=status", "--type=merge", "-p", patch)


async def until(what: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Wait for something to be true, and return it; fail with what it was last."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        try:
            found = await asyncio.to_thread(what)
        except AssertionError as missing:  # an object that is not there yet
            found = None
            said = str(missing)
        else:
            said = repr(found)
        if found:
            return found
        assert loop.time() < end, f"not within {seconds:.0f} s: {said}"
        await asyncio.sleep(0.1)


@asynccontextmanager
async def controlling(
    kubeconfig: Path, namespace: str, config: Config | None = None, **options: Any
) -> AsyncIterator[Manager]:
    """Run the controller for one namespace until the block ends."""
    started = Options(
        config=config or Config(),
        namespaces=(namespace,),
        host="127.0.0.1",
        port=free_port(),
        lease_seconds=None,
        kubeconfig=kubeconfig,
    )
    process = manager(replace(started, **options))
    running = asyncio.ensure_future(process.run())
    try:
        synced = asyncio.gather(*(informer.synced.wait() for informer in process.informers))
        await asyncio.wait(
            {running, asyncio.ensure_future(asyncio.wait_for(synced, 60))}, return_when="FIRST_COMPLETED"
        )
        assert not running.done(), running.exception()
        yield process
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def writes(process: Manager) -> int:
    """Return how many requests changed something."""
    reading = ("get", "list", "watch")
    return sum(count for (verb, _), count in process.kube.counts.items() if verb not in reading)


async def settled(process: Manager) -> None:
    """Wait until it has seen everything and looked at it."""
    await still(process.informers, process.controllers)


def limited(kubeconfig: Path, namespace: str, kubectl: Kubectl, rights: Iterable[Right] = RIGHTS) -> Path:
    """Return a kubeconfig with exactly the controller's rights in one namespace, and none elsewhere."""
    rules = [
        {"apiGroups": [right.group], "resources": [right.resource], "verbs": list(right.verbs)}
        for right in rights
        if right.where != "cluster"
    ]
    api = "rbac.authorization.k8s.io"
    name = {"name": "controller", "namespace": namespace}
    objects: list[Object] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name},
        {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": name, "rules": rules},
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": name,
            "roleRef": {"apiGroup": api, "kind": "Role", "name": "controller"},
            "subjects": [{"kind": "ServiceAccount", **name}],
        },
    ]
    kubectl("apply", "-f", "-", stdin="\n---\n".join(map(json.dumps, objects)))
    config = json.loads(kubeconfig.read_text())
    config["users"][0]["user"] = {"token": kubectl("-n", namespace, "create", "token", "controller").strip()}
    file = kubeconfig.with_name("limited")
    file.write_text(json.dumps(config))
    return file
