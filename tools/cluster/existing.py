"""The provider for a cluster that is there: the current kubeconfig, after asking."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tools import build
from tools.cluster.kubectl import Kubectl
from tools.cluster.provider import KUBECONFIG
from tools.errors import ToolError
from tools.shell import run

CONSENT = "CLUSTER_CONTEXT"  # the environment variable that names the context, for runs without a terminal


class Existing:
    """A cluster of somebody's, in which nothing but test namespaces is made."""

    def check(self) -> None:
        """Ask for consent, once a cluster."""
        if not KUBECONFIG.exists():
            agree(config("current-context").strip())

    def up(self) -> None:
        """Take a copy of the current context's kubeconfig."""
        if not KUBECONFIG.exists():
            KUBECONFIG.touch(mode=0o600)
            KUBECONFIG.write_text(config("view", "--minify", "--flatten", "--raw"))
        Kubectl(KUBECONFIG).wait_until_ready(timeout=30)

    def down(self) -> None:
        """Forget the cluster: nothing of it is ours but the copy of its kubeconfig."""

    def status(self) -> list[str]:
        """Return the nodes."""
        return Kubectl(KUBECONFIG)("get", "nodes", "--no-headers").splitlines() if KUBECONFIG.exists() else []

    def load(self, archives: Sequence[Path]) -> None:
        """Refuse: how images reach somebody's cluster is theirs to say."""
        raise ToolError(
            f"{', '.join(path.name for path in archives)} cannot be loaded into an existing cluster",
            "push the images to a registry that it pulls from",
        )

    def enter(self, command: Sequence[str]) -> int:
        """Refuse: an existing cluster has no node that we may enter."""
        raise ToolError(
            f"`{' '.join(command)}` cannot be run inside an existing cluster", "`kubectl run` a pod there"
        )


def config(*arguments: str) -> str:
    """Return what `kubectl config` says of the person's own kubeconfig."""
    return run(
        [build.program("kubectl"), "config", *arguments], remedy="set KUBECONFIG, or choose a context in it"
    )


def agree(context: str) -> None:
    """Return when the person at the terminal, or the environment, names this very context."""
    if os.environ.get(CONSENT) == context:
        return
    if not sys.stdin.isatty():
        raise ToolError(
            f"using the existing cluster {context!r} was not agreed to", f"set {CONSENT}={context}"
        )
    if input(f"run tests in the cluster of context {context!r}? its name to agree: ") != context:
        raise ToolError("not agreed", "use CLUSTER=kind or CLUSTER=host")
