"""Hand-written Kubernetes objects that serve a model, and a pod that asks it."""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

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
MODEL_IMAGE = {"name": "models", "image": {"reference": models.REFERENCE, "pullPolicy": "IfNotPresent"}}
MODEL_CLAIM = {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}

Object = dict[str, Any]


@dataclass(frozen=True)
class Namespace:
    """A namespace of one test."""

    name: str
    kubectl: Kubectl

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


@dataclass(frozen=True)
class Client:
    """Sends requests from a pod."""

    namespace: Namespace

    def post(self, url: str, body: object, host: str = "") -> Any:
        """Post JSON, to another host than the URL's if told; return [status, answer], [0, error] without an answer."""
        return self.python(POST, url, host, stdin=json.dumps(body))

    def reaches(self, url: str) -> bool:
        """Tell whether a GET is answered: addresses of services lead to a pod a moment after it is Ready."""
        return bool(self.python(GET, url))

    def python(self, script: str, *arguments: str, stdin: str = "", timeout: float = 60) -> Any:
        """Run a script in the pod; return the JSON it prints."""
        command = ["exec", "--stdin", "client", "--", "python3", "-c", script, *arguments]
        return json.loads(self.namespace.run(*command, stdin=stdin, timeout=timeout))


class Load:
    """Requests from several threads, each on a new connection, until `stop`; `rate` a second, or as many as go.

    They are sent by a process of the pod's own: the API server may go away meanwhile.
    """

    def __init__(
        self, client: Client, url: str, body: object, threads: int = 4, seconds: int = 180, rate: int = 0
    ) -> None:
        self.namespace = client.namespace
        arguments = [url, json.dumps(body), str(threads), str(seconds), str(rate)]
        self._python(START, LOAD, *arguments)

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ToolError):
            self._python(TOUCH)

    def answered(self) -> int:
        """Return how many requests have succeeded so far."""
        return int(self.namespace.run("exec", "client", "--", "cat", "/tmp/answered"))

    def stop(self) -> Any:
        """End the load; return `{"ok": number, "failed": [what each failure was], "seconds": how long it was}`."""
        return json.loads(self._python(FINISH, timeout=90))

    def _python(self, script: str, *arguments: str, timeout: float = 60) -> str:
        return self.namespace.run(
            "exec", "client", "--", "python3", "-c", script, *arguments, timeout=timeout
        )


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


def client_pod() -> Object:
    """Return a pod that does nothing until a command is run in it."""
    container = {
        "name": "client",
        "image": SERVER,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", "import signal; signal.signal(15, lambda *_: exit()); signal.pause()"],
        "securityContext": RESTRICTED,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "client", "labels": {"app": "client"}},
        "spec": {"containers": [container], "volumes": [{"name": "tmp", "emptyDir": {}}]},
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


# Scripts for the client pod: Python's standard library alone.
GET = """
import sys, urllib.request
try:
    print(int(urllib.request.urlopen(sys.argv[1], timeout=10).status == 200))
except OSError:
    print(0)
"""
POST = """
import json, sys, urllib.error, urllib.request
head = {"Content-Type": "application/json"} | ({"Host": sys.argv[2]} if sys.argv[2] else {})
request = urllib.request.Request(sys.argv[1], sys.stdin.buffer.read(), head)
def read(text):
    try:
        return json.loads(text)
    except ValueError:
        return text.decode()
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        said = [answer.status, read(answer.read())]
except urllib.error.HTTPError as error:
    said = [error.code, read(error.read())]
except OSError as error:
    said = [0, str(error)]
print(json.dumps(said))
"""
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
START = """
import os, subprocess, sys
for name in ("stop", "result", "answered"):
    os.path.exists(f"/tmp/{name}") and os.remove(f"/tmp/{name}")
nowhere = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], start_new_session=True, **nowhere)
while not os.path.exists("/tmp/answered"):
    pass
"""
TOUCH = """
open("/tmp/stop", "w").close()
"""
FINISH = (
    TOUCH
    + """
import os, time
while not os.path.exists("/tmp/result"):
    time.sleep(0.1)
print(open("/tmp/result").read())
"""
)
LOAD = """
import json, os, sys, threading, time, urllib.request
url, body, threads, seconds, rate = sys.argv[1], sys.argv[2].encode(), *map(int, sys.argv[3:6])
ok, failed, began = [], [], time.monotonic()
end = began + seconds
def ask(number):
    due = began + number / rate if rate else 0
    while not os.path.exists("/tmp/stop") and time.monotonic() < end:
        time.sleep(max(0, due - time.monotonic()))
        try:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                json.load(answer)
            ok.append(1)
        except (OSError, ValueError) as error:
            failed.append(repr(error))
        due += threads / rate if rate else 0
def write(name, text):
    with open(f"/tmp/{name}.new", "w") as file:
        file.write(text)
    os.replace(f"/tmp/{name}.new", f"/tmp/{name}")
workers = [threading.Thread(target=ask, args=[number]) for number in range(threads)]
for worker in workers:
    worker.start()
while any(worker.is_alive() for worker in workers):
    write("answered", str(len(ok)))
    time.sleep(0.2)
write("result", json.dumps({"ok": len(ok), "failed": failed, "seconds": time.monotonic() - began}))
"""
