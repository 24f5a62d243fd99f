"""What Argo CD and Flux have in common in tests: processes beside the cluster, and what is left of them in it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tools.cluster.kubectl import Kubectl

FORGET = '{"metadata":{"finalizers":null}}'


@dataclass
class Parts:
    """The parts of one program as processes; `folder` has their files and logs."""

    folder: Path
    kubectl: Kubectl
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list, init=False)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)

    def start(self) -> None:
        """Make what the parts need in the cluster, and run them."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return what explains why something is not as wanted."""
        raise NotImplementedError

    def run(self, name: str, environment: Mapping[str, str], *command: str) -> None:
        """Run one part against the cluster until the block ends."""
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "KUBECONFIG": str(self.kubectl.kubeconfig),
        }
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    env={**own, **environment},
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    start_new_session=True,
                )
            )

    def dead(self) -> list[object]:
        """Return the commands of processes that ended by themselves."""
        return [process.args for process in self._processes if process.poll() is not None]

    def logs(self, last: int) -> list[str]:
        """Return the last characters of each log."""
        return [
            f"{log.name}:\n" + log.read_text(errors="replace")[-last:]
            for log in sorted(self.folder.glob("*.log"))
        ]


def remove(kubectl: Kubectl, namespace: str, kinds: Sequence[str], group: str) -> None:
    """Remove what the examples brought: the program's objects in its namespace, rights, namespaces, CRDs."""
    for kind in kinds:
        for name in kubectl("get", kind, f"--namespace={namespace}", "--output=name").split():
            kubectl("patch", name, f"--namespace={namespace}", "--type=merge", f"--patch={FORGET}")
            kubectl("delete", name, f"--namespace={namespace}", "--ignore-not-found")
    # The program that would uninstall the charts has ended, and their rights are in no namespace.
    kubectl("delete", "clusterroles,clusterrolebindings", "--selector=app.kubernetes.io/name=kserve-lite")
    for name in (namespace, "models", "kserve-lite"):
        kubectl("delete", "namespace", name, "--ignore-not-found", timeout=180)
    left = [
        name
        for name in kubectl("get", "customresourcedefinitions", "--output=name").split()
        if name.endswith((".serving.kserve.io", group))
    ]
    kubectl("delete", *left, timeout=120)


def pods(kubectl: Kubectl) -> set[str]:
    """Return the pods of all models by uid."""
    found = kubectl.get("pods", "--namespace=models", "--selector=serving.kserve.io/inferenceservice")[
        "items"
    ]
    return {pod["metadata"]["uid"] for pod in found if "deletionTimestamp" not in pod["metadata"]}
