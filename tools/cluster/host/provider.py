"""The host provider: up, down, status, load and enter for the node of this clone."""

import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tools import build
from tools.catalogue import families
from tools.cluster import addons
from tools.cluster.host import parts, preflight
from tools.cluster.host.node import Node, free_subnets, routes
from tools.cluster.kubectl import Kubectl
from tools.cluster.provider import KUBECONFIG, RESOLVER, STATE, VERSION
from tools.errors import ToolError
from tools.progress import Progress
from tools.shell import run
from tools.wait import wait_for

LOGS = "read the logs in .cache/cluster/host/log and .cache/cluster/host/var/log"


class Host:
    """A one-node cluster in namespaces of this machine."""

    def __init__(self) -> None:
        self.node = Node()
        self.kubectl = Kubectl(KUBECONFIG)

    def check(self) -> None:
        """Look at the machine, unless the node runs already: what it takes is then no longer free."""
        check_version(os.environ.get(VERSION))
        if self.node.pid() is None:
            preflight.require(self.node.state)

    def up(self) -> None:
        """Bring the node up; a node that is damaged beyond its own repair is replaced."""
        if self.node.pid() and self._complete() and self._recovers():
            return
        if self.node.traces():
            self.node.stop()
        with Progress("cluster: programs and images"):
            parts.archives()
        subnet = next(free_subnets(routes()))
        with Progress("cluster: control plane"):
            self._start(subnet)
        with Progress("cluster: addons"):
            addons.apply(self.kubectl)
        (self.node.state / "complete").touch()

    def _complete(self) -> bool:
        return (self.node.state / "complete").exists()

    def _recovers(self) -> bool:
        """Tell whether all is Ready, now or soon: PID 1 of the node starts again what ended."""
        with suppress(ToolError):
            self.kubectl.wait_until_ready(timeout=180)
            addons.wait(self.kubectl, timeout=180)
            return True
        return False

    def _start(self, subnet: str) -> None:
        self.node.state.mkdir(parents=True)
        (self.node.state / "plan.json").write_text(json.dumps(parts.plan(self.node, subnet)))
        self.node.start(subnet)
        admin = self.node.state / "etc" / "kubernetes" / "super-admin.conf"
        kubelet = self.node.state / "var" / "lib" / "kubelet" / "config.yaml"
        wait_for(
            "certificates are made", lambda: admin.exists() and kubelet.exists(), timeout=300, remedy=LOGS
        )
        KUBECONFIG.write_text(admin.read_text())
        KUBECONFIG.chmod(0o600)
        self.kubectl.wait_until_ready(timeout=400)
        # `kubeadm init` binds this group itself when it runs whole; the API server is of it towards the kubelet.
        admins = ["--clusterrole=cluster-admin", "--group=kubeadm:cluster-admins"]
        self.kubectl("create", "clusterrolebinding", "kubeadm:cluster-admins", *admins)
        config = [f"--config={parts.PLACES['kubeadm.yaml']}", "--kubeconfig=/etc/kubernetes/super-admin.conf"]
        coredns: list[str | Path] = [build.program("kubeadm"), "init", "phase", "addon", "coredns", *config]
        run(self.node.inside(coredns), remedy=LOGS)

    def down(self) -> None:
        """Remove the node and prove that nothing of it is left."""
        self.node.stop()
        if left := self.node.traces():
            raise ToolError(
                f"left behind: {', '.join(left)}", "`make cluster-down` again; then remove them by hand"
            )

    def status(self) -> list[str]:
        """Return the node's traces on this machine, its processes and its pods."""
        lines = self.node.traces()
        if (pid := self.node.pid()) and KUBECONFIG.exists():
            inside = run(["nsenter", "--target", str(pid), "--pid", "--mount", "ps", "-eo", "rss=,args="])
            memory = sum(int(line.split()[0]) for line in inside.splitlines())
            lines.append(f"{len(inside.splitlines())} processes with {memory >> 10} MiB resident in the node")
            with suppress(ToolError):
                lines += self.kubectl("get", "nodes,pods", "--all-namespaces", "--no-headers").splitlines()
        return lines

    def load(self, archives: Sequence[Path]) -> None:
        """Import images from OCI archives."""
        for path in archives:
            importer: list[str | Path] = [
                build.program("ctr"),
                "--namespace",
                "k8s.io",
                "images",
                "import",
                "--local",
                path,
            ]
            run(self.node.inside(importer), remedy=LOGS)

    def enter(self, command: Sequence[str]) -> int:
        """Run a command in the node's network, with the host's files and the cluster's resolver."""
        resolver = STATE / "resolv.conf"
        resolver.write_text(RESOLVER)
        script = f'mount --bind {shlex.quote(str(resolver))} "$(readlink -f /etc/resolv.conf)" && exec "$@"'
        entered = ["unshare", "--mount", "sh", "-c", script, "sh", *command]
        programs = f"{build.program('kubectl').parent}:{build.program('helm').parent}"
        environment = {"KUBECONFIG": str(KUBECONFIG), "PATH": f"{programs}:{os.environ['PATH']}"}
        done = subprocess.run(
            self.node.inside(entered, files=False), env={**os.environ, **environment}, check=False
        )
        return done.returncode


def check_version(asked: str | None) -> None:
    """Refuse a version of Kubernetes other than the one that `tools/programs` pins."""
    pinned = families()["kubernetes"].version
    if asked and asked.removeprefix("v") != pinned:
        raise ToolError(
            f"{VERSION}={asked}: the host provider has {pinned} alone",
            f"unset {VERSION}, or use CLUSTER=kind, which has others",
        )
