"""What every way to have a cluster can do, and which way this machine takes."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tools.cache import CLONE
from tools.errors import ToolError

STATE_FOLDER = "CLUSTER_STATE"  # the environment variable that puts a cluster's files elsewhere
STATE = Path(os.environ.get(STATE_FOLDER) or CLONE / ".cache" / "cluster")
KUBECONFIG = STATE / "kubeconfig"
CHOICE = "CLUSTER"  # the environment variable that names a provider
VERSION = "KUBERNETES"  # the environment variable that names a version of Kubernetes, such as 1.33.7
# What a process needs to resolve the cluster's names as a pod of namespace default does.
RESOLVER = "nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
NAMES = ("kind", "host", "existing")
ENGINES = ("docker", "podman")


class Provider(Protocol):
    """One way to have a cluster; every method may be called again after it was interrupted."""

    def check(self) -> None:
        """Raise `ToolError` with all that is missing for `up`; change nothing."""

    def up(self) -> None:
        """Bring the cluster up and write `KUBECONFIG`; do nothing when it is up and healthy."""

    def down(self) -> None:
        """Remove everything that `up` made, also when `up` was killed half-way."""

    def status(self) -> list[str]:
        """Return what there is, a line each; empty when nothing of the cluster exists."""

    def load(self, archives: Sequence[Path]) -> None:
        """Make the images of OCI archives known to the cluster's nodes."""

    def enter(self, command: Sequence[str]) -> int:
        """Run a command where pod and service addresses are reached and cluster names resolve."""


def identity(state: Path) -> str:
    """Return what tells the cluster with these files from that of another clone on this machine."""
    return hashlib.sha256(str(state).encode()).hexdigest()[:8]


def recorded() -> str | None:
    """Return the provider of the cluster that is up, as `record` wrote it."""
    path = STATE / "provider"
    return path.read_text() if path.exists() else None


def container_engine() -> str | None:
    """Return the container engine that answers on this machine."""
    return next((name for name in ENGINES if shutil.which(name) and answers([name, "info"])), None)


def engine_refusals() -> str:
    """Return what the installed engines say for not answering, such as to whom alone they answer."""
    said = {name: refusal([name, "info"]) for name in ENGINES if shutil.which(name)}
    return "".join(f"; {name} says: {words}" for name, words in said.items() if words)


def choose(
    environment: Mapping[str, str] = os.environ,
    engine: Callable[[], str | None] = container_engine,
    recorded: Callable[[], str | None] = recorded,
) -> str:
    """Return the provider's name: the one asked for, the one that is up, else what fits the machine."""
    name = environment.get(CHOICE) or recorded() or ("kind" if engine() else "host")
    if name not in NAMES:
        raise ToolError(f"{CHOICE}={name} is no provider", f"take one of {', '.join(NAMES)}")
    return name


def answers(command: Sequence[str]) -> bool:
    """Tell whether a command succeeds within ten seconds."""
    return refusal(command) is None


def refusal(command: Sequence[str]) -> str | None:
    """Return the first line of the errors of a command that does not succeed within ten seconds."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except subprocess.TimeoutExpired:
        return "nothing within ten seconds"
    return next(iter(done.stderr.strip().splitlines()), "nothing") if done.returncode else None


def record(name: str | None) -> None:
    """Remember which provider's cluster is up."""
    if name is None:
        (STATE / "provider").unlink(missing_ok=True)
        KUBECONFIG.unlink(missing_ok=True)
    else:
        STATE.mkdir(parents=True, exist_ok=True)
        (STATE / "provider").write_text(name)
