"""A pod that asks the models, as others in the cluster do."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.e2e.pods import RESTRICTED, SERVER, Namespace, Object
from tools.errors import ToolError


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
        self.folder = f"/tmp/load-{uuid4().hex[:8]}"
        arguments = [url, json.dumps(body), str(threads), str(seconds), str(rate)]
        self._python(START, LOAD, *arguments)

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ToolError):
            self._python(TOUCH)

    def answered(self) -> int:
        """Return how many requests have succeeded so far."""
        return int(self.namespace.run("exec", "client", "--", "cat", f"{self.folder}/answered"))

    def stop(self) -> Any:
        """End the load; return `{"ok": number, "failed": [what each failure was], "seconds": how long it was}`."""
        return json.loads(self._python(FINISH, timeout=90))

    def _python(self, script: str, *arguments: str, timeout: float = 60) -> str:
        command = ["exec", "client", "--", "python3", "-c", script, self.folder, *arguments]
        return self.namespace.run(*command, timeout=timeout)


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
# The scripts of a load are given its folder first.
START = """
import os, subprocess, sys
folder, script, *arguments = sys.argv[1:]
os.mkdir(folder)
nowhere = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
subprocess.Popen([sys.executable, "-c", script, folder, *arguments], start_new_session=True, **nowhere)
while not os.path.exists(f"{folder}/answered"):
    pass
"""
TOUCH = """
import sys
open(f"{sys.argv[1]}/stop", "w").close()
"""
FINISH = (
    TOUCH
    + """
import os, time
while not os.path.exists(f"{sys.argv[1]}/result"):
    time.sleep(0.1)
print(open(f"{sys.argv[1]}/result").read())
"""
)
LOAD = """
import json, os, sys, threading, time, urllib.request
folder, url, body, threads, seconds, rate = *sys.argv[1:3], sys.argv[3].encode(), *map(int, sys.argv[4:])
ok, failed, began = [], [], time.monotonic()
end = began + seconds
def ask(number):
    due = began + number / rate if rate else 0
    while not os.path.exists(f"{folder}/stop") and time.monotonic() < end:
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
    with open(f"{folder}/{name}.new", "w") as file:
        file.write(text)
    os.replace(f"{folder}/{name}.new", f"{folder}/{name}")
workers = [threading.Thread(target=ask, args=[number]) for number in range(threads)]
for worker in workers:
    worker.start()
while any(worker.is_alive() for worker in workers):
    write("answered", str(len(ok)))
    time.sleep(0.2)
write("result", json.dumps({"ok": len(ok), "failed": failed, "seconds": time.monotonic() - began}))
"""
