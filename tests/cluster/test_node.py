"""The host's cluster survives the death of its parts, and nothing of it is left when it is taken down."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tools.cache import CLONE
from tools.cluster.host.node import Node
from tools.cluster.kubectl import Kubectl
from tools.wait import wait_for

REMEDY = "see the output of the command above"


class Cluster:
    """A second cluster of this clone, beside the one that other tests use."""

    def __init__(self, folder: Path) -> None:
        self.environment = {**os.environ, "CLUSTER": "host", "CLUSTER_STATE": str(folder)}
        self.node = Node(folder / "host")
        self.kubectl = Kubectl(folder / "kubeconfig")

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tools.cluster", *command], env=self.environment, cwd=CLONE
        )

    def run(self, command: str) -> None:
        assert self.start(command).wait(timeout=400) == 0

    def kill(self, program: str) -> None:
        """End a program of the node as a crash would."""
        pids = [pid for pid in children(self.node.pid() or 0) if command_of(pid) == program]
        assert pids, f"{program} does not run"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_for(f"{program} is gone", lambda: not any(alive(pid) for pid in pids), timeout=30, remedy=REMEDY)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.run("down")
    assert cluster.node.traces() == []


POINTS: dict[str, Callable[[Cluster], bool]] = {
    "the node starts": lambda cluster: cluster.node.pid() is not None,
    "images are imported": lambda cluster: "images import" in log(cluster),
    "the kubelet starts": lambda cluster: "kubelet is process" in log(cluster),
}


@pytest.mark.parametrize("point", POINTS)
def test_up_after_a_killed_up_brings_a_whole_cluster(cluster: Cluster, point: str) -> None:
    cluster.run("down")
    killed = cluster.start("up")
    wait_for(point, lambda: POINTS[point](cluster), timeout=120, remedy=REMEDY)
    killed.kill()
    killed.wait()

    cluster.run("up")

    assert whole(cluster)


@pytest.mark.parametrize("program", ["containerd", "kubelet"])
def test_up_after_a_killed_part_brings_a_whole_cluster(cluster: Cluster, program: str) -> None:
    cluster.run("up")
    cluster.kill(program)

    cluster.run("up")

    wait_for("all is Ready", lambda: whole(cluster), timeout=60, remedy=REMEDY)


def test_up_twice_changes_nothing(cluster: Cluster) -> None:
    cluster.run("up")
    before = (cluster.node.pid(), cluster.kubectl.kubeconfig.stat())
    started = time.monotonic()

    cluster.run("up")

    assert (cluster.node.pid(), cluster.kubectl.kubeconfig.stat()) == before
    assert time.monotonic() - started < 20


def test_down_after_the_nodes_death_leaves_nothing(cluster: Cluster) -> None:
    cluster.run("up")
    os.kill(cluster.node.pid() or 0, signal.SIGKILL)

    cluster.run("down")

    assert cluster.node.traces() == []


def test_down_leaves_no_namespace_and_no_packet_filter_rule_also_when_somebody_is_inside(
    cluster: Cluster,
) -> None:
    cluster.run("down")
    rules = packet_filter()
    cluster.run("up")
    spaces = namespaces(cluster.node.pid() or 0)
    visitor = cluster.start("enter", "sleep", "600")
    wait_for(
        "the visitor is inside",
        lambda: bool(children(visitor.pid)) and command_of(children(visitor.pid)[0]) == "sleep",
        timeout=30,
        remedy=REMEDY,
    )

    cluster.run("down")

    assert visitor.wait(timeout=30) != 0
    inside = [pid for pid in processes() if not spaces.isdisjoint(namespaces(pid))]
    assert [command_of(pid) for pid in inside] == []
    assert packet_filter() == rules
    assert cluster.node.traces() == []


def whole(cluster: Cluster) -> bool:
    return cluster.kubectl.nodes_are_ready() and not cluster.kubectl.unready_pods("kube-system")


def log(cluster: Cluster) -> str:
    path = cluster.node.state / "log" / "node.log"
    return path.read_text() if path.exists() else ""


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def namespaces(pid: int) -> set[str]:
    """Return the kernel's names of the namespaces that a process is in; none when it has ended."""
    with suppress(OSError):
        return {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("net", "mnt", "pid", "uts", "ipc")}
    return set()


def packet_filter() -> list[str]:
    """Return the rules of the host, without comments and counters."""
    saved = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    return [re.sub(r"\[\d+:\d+\]", "", line) for line in saved.splitlines() if not line.startswith("#")]
