"""The kind provider: a cluster in containers of a Docker or Podman engine, in any version of Kubernetes kind has."""

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tools import build
from tools.cluster import addons
from tools.cluster.host import parts
from tools.cluster.kubectl import Kubectl
from tools.cluster.provider import (
    KUBECONFIG,
    RESOLVER,
    STATE,
    VERSION,
    container_engine,
    engine_refusals,
    identity,
)
from tools.errors import ToolError
from tools.progress import Progress
from tools.shell import run

COMPLETE = "/etc/kserve-lite-complete"  # a file of the node: kind leaves a node that was interrupted as it is
CONFIG = """
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
featureGates: {ImageVolume: true}
nodes: [{role: control-plane}]
"""


def name(state: Path = STATE) -> str:
    """Return the name of one clone's cluster; another clone's is another, though their engine is the same."""
    return f"kserve-lite-{identity(state)}"


NAME = name()
NODE = f"{NAME}-control-plane"


class Kind:
    """A one-node cluster by kind."""

    def __init__(self) -> None:
        self.kubectl = Kubectl(KUBECONFIG)

    def check(self) -> None:
        """Look for an engine."""
        engine()

    def up(self) -> None:
        """Create the cluster, or create it anew when it was never finished or does not become Ready."""
        version = os.environ.get(VERSION)
        if NAME in self._clusters():
            if self._complete() and self._recovers():
                check_version(version, self.kubectl.version())
                return
            self.down()
        with Progress("cluster: kind"):
            self._kind(*creation(version), stdin=CONFIG)
        with Progress("cluster: addons"):
            self.load(
                [parts.program_archive(image) for image in parts.images() if image.program in addons.PROGRAMS]
            )
            addons.apply(self.kubectl)
        run([engine(), "exec", NODE, "touch", COMPLETE])

    def _complete(self) -> bool:
        """Start the node, which a restart of the machine ends, and tell whether `up` has once finished with it."""
        with suppress(ToolError):
            run([engine(), "start", NODE])
            run([engine(), "exec", NODE, "test", "-e", COMPLETE])
            return True
        return False

    def _recovers(self) -> bool:
        """Tell whether all is Ready, now or soon."""
        with suppress(ToolError):
            self._kind("export", "kubeconfig", "--kubeconfig", KUBECONFIG)
            self.kubectl.wait_until_ready(timeout=180)
            addons.wait(self.kubectl, timeout=180)
            return True
        return False

    def down(self) -> None:
        """Delete the node's container."""
        if container_engine():  # without one its cluster does not run either
            self._kind("delete", "cluster", "--kubeconfig", KUBECONFIG)

    def status(self) -> list[str]:
        """Return the node and its pods."""
        if not container_engine() or NAME not in self._clusters():
            return []
        lines = [f"container {NODE} of {engine()}"]
        if KUBECONFIG.exists():
            with suppress(ToolError):
                lines += self.kubectl("get", "nodes,pods", "--all-namespaces", "--no-headers").splitlines()
        return lines

    def load(self, archives: Sequence[Path]) -> None:
        """Import images from OCI archives."""
        for path in archives:
            self._kind("load", "image-archive", path)

    def enter(self, command: Sequence[str]) -> int:
        """Run a command in the node's container, with the cluster's resolver."""
        if NAME not in self._clusters():
            raise ToolError("the cluster's node is not running", "`make cluster`")
        script = (
            f"printf '{RESOLVER}' > /run/resolv && mount --bind /run/resolv /etc/resolv.conf && exec \"$@\""
        )
        inside = ["unshare", "--mount", "sh", "-c", script, "sh", *command]
        return subprocess.run(
            [engine(), "exec", "--interactive", "--privileged", NODE, *inside], check=False
        ).returncode

    def _clusters(self) -> list[str]:
        return self._kind("get", "clusters").split()

    def _kind(self, *arguments: str | Path, stdin: str | None = None) -> str:
        named = () if arguments[0] == "get" else ("--name", NAME)
        environment = {**os.environ, "KIND_EXPERIMENTAL_PROVIDER": engine()}
        return run([build.program("kind"), *arguments, *named], stdin=stdin, env=environment, timeout=600)


def creation(version: str | None) -> list[str]:
    """Return kind's arguments that create the cluster, in its own version of Kubernetes or in the one asked for."""
    image = ["--image", f"kindest/node:v{version.removeprefix('v')}"] if version else []
    return ["create", "cluster", "--config=-", "--kubeconfig", str(KUBECONFIG), *image]


def check_version(asked: str | None, running: str) -> None:
    """Refuse to pass off a cluster of one version as another."""
    if asked and asked.removeprefix("v") != running:
        raise ToolError(
            f"{VERSION}={asked}: the cluster that is up has {running}", "`make cluster-down` first"
        )


def engine() -> str:
    """Return the container engine that answers."""
    if found := container_engine():
        return found
    raise ToolError(
        f"no Docker or Podman engine answers{engine_refusals()}",
        "start it, or as root on Linux use CLUSTER=host",
    )
