"""Ask a cluster by kubectl, with the kubeconfig of this clone and no other."""

import json
import os
from pathlib import Path
from typing import Any

from tools import build
from tools.errors import ToolError
from tools.shell import run
from tools.wait import wait_for


class Kubectl:
    """kubectl bound to one kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def __call__(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 60) -> str:
        """Run kubectl; return what it printed, raise `ToolError` when it fails."""
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        return run([build.program("kubectl"), *arguments], stdin=stdin, env=environment, timeout=timeout)

    def get(self, *arguments: str) -> Any:
        """Return objects as the API server has them."""
        return json.loads(self("get", *arguments, "--output=json"))

    def apply(self, text: str) -> None:
        """Apply a manifest on the server's side."""
        self("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=text)

    def wait_until_ready(self, timeout: float) -> None:
        """Wait until the API server answers and every node is Ready."""
        wait_for("the nodes are Ready", self.nodes_are_ready, timeout=timeout, remedy="`make cluster-status`")

    def nodes_are_ready(self) -> bool:
        """Tell whether the API server answers and every node is Ready."""
        try:
            nodes = self.get("nodes", "--request-timeout=5s")["items"]
        except ToolError:
            return False
        return bool(nodes) and all(ready(node) for node in nodes)

    def version(self) -> str:
        """Return the version of Kubernetes, such as 1.34.4."""
        said: str = json.loads(self("version", "--output=json"))["serverVersion"]["gitVersion"]
        return said.removeprefix("v")

    def unready_pods(self, namespace: str) -> list[str]:
        """Return the pods of a namespace that are not Ready, by name."""
        pods = self.get("pods", f"--namespace={namespace}")["items"]
        return [pod["metadata"]["name"] for pod in pods if not ready(pod)]


def ready(thing: Any, kind: str = "Ready") -> bool:
    """Tell whether a node, pod or gateway has that condition."""
    conditions = thing["status"].get("conditions", [])
    return any(condition["type"] == kind and condition["status"] == "True" for condition in conditions)
