"""Where an engine answers: kind's cluster is whole after an interruption, comes back, and goes without a trace."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cache import CLONE
from tools.cluster import kind, provider
from tools.cluster.kubectl import Kubectl
from tools.shell import run
from tools.wait import wait_for

ENGINE = provider.container_engine()
pytestmark = pytest.mark.skipif(ENGINE is None, reason="no container engine answers here")


class Cluster:
    """A second cluster of this clone, beside the one that other tests use."""

    def __init__(self, folder: Path) -> None:
        self.environment = {**os.environ, "CLUSTER": "kind", "CLUSTER_STATE": str(folder)}
        self.node = f"{kind.name(folder)}-control-plane"
        self.kubectl = Kubectl(folder / "kubeconfig")

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a command as a terminal does: in a process group of its own."""
        words = [sys.executable, "-m", "tools.cluster", *command]
        return subprocess.Popen(words, env=self.environment, cwd=CLONE, start_new_session=True)

    def run(self, command: str) -> None:
        assert self.start(command).wait(timeout=900) == 0

    def container(self) -> str:
        """Return the container's ID, nothing when there is none."""
        listed = engine("ps", "--all", "--quiet", "--no-trunc", "--filter", f"name=^{self.node}$")
        return listed.strip()

    def whole(self) -> bool:
        return self.kubectl.nodes_are_ready() and not self.kubectl.unready_pods("kube-system")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.run("down")
    cluster.run("down")
    assert cluster.container() == ""


def test_up_after_an_up_killed_half_way_brings_a_whole_cluster(cluster: Cluster) -> None:
    killed = cluster.start("up")
    wait_for("the node starts", lambda: begun(cluster, killed), timeout=600, remedy="see above")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    half = cluster.container()

    cluster.run("up")

    assert cluster.whole()
    assert cluster.container() != half


def test_up_twice_changes_nothing(cluster: Cluster) -> None:
    cluster.run("up")
    before = (cluster.container(), made(cluster))

    cluster.run("up")

    assert (cluster.container(), made(cluster)) == before


def test_a_stopped_node_comes_back_with_what_was_in_it(cluster: Cluster) -> None:
    cluster.run("up")
    cluster.kubectl("create", "configmap", "kept")
    engine("stop", cluster.node)

    cluster.run("up")

    assert cluster.whole()
    assert cluster.kubectl.get("configmap", "kept")


def begun(cluster: Cluster, up: subprocess.Popen[bytes]) -> bool:
    assert up.poll() is None, "it ended before a node was there"
    return cluster.container() != ""


def made(cluster: Cluster) -> dict[str, str]:
    """Return the pods of the system and which making of each it is."""
    pods = cluster.kubectl.get("pods", "--namespace=kube-system")["items"]
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in pods}


def engine(*arguments: str) -> str:
    assert ENGINE
    return run([ENGINE, *arguments])
