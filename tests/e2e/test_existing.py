"""Somebody's own cluster is used only after its context was named, and nothing but its kubeconfig is kept of it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tools.cluster import provider
from tools.cluster.kubectl import Kubectl


class Existing:
    """The provider `existing`, given this cluster as somebody's own."""

    def __init__(self, folder: Path) -> None:
        self.kubeconfig = folder / "kubeconfig"
        self.environment = {
            **os.environ,
            "CLUSTER": "existing",
            provider.STATE_FOLDER: str(folder),
            "KUBECONFIG": str(provider.KUBECONFIG),
        }

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tools.cluster", *command],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def existing(kubectl: Kubectl, tmp_path: Path) -> Existing:
    return Existing(tmp_path)


def context(kubectl: Kubectl) -> str:
    return kubectl("config", "current-context").strip()


def test_without_consent_nothing_is_taken(existing: Existing, kubectl: Kubectl) -> None:
    done = existing.run("up")

    assert done.returncode == 1
    assert f"remedy: set CLUSTER_CONTEXT={context(kubectl)}" in done.stderr
    assert not existing.kubeconfig.exists()


def test_consent_to_another_context_does_not_count(existing: Existing) -> None:
    assert existing.run("up", CLUSTER_CONTEXT="production").returncode == 1
    assert not existing.kubeconfig.exists()


def test_up_and_down_leave_the_cluster_as_it_was(existing: Existing, kubectl: Kubectl) -> None:
    up = existing.run("up", CLUSTER_CONTEXT=context(kubectl))
    assert up.returncode == 0, up.stderr
    assert stat.S_IMODE(existing.kubeconfig.stat().st_mode) == 0o600
    assert existing.run("up").returncode == 0, "agreed once"
    assert " Ready " in existing.run("status").stdout

    assert existing.run("down").returncode == 0

    assert not existing.kubeconfig.exists()
    assert existing.run("status").returncode == 1
    assert kubectl.nodes_are_ready()


@pytest.mark.parametrize(
    ("command", "remedy"),
    [
        pytest.param(["enter", "curl", "http://model"], "kubectl run", id="enter"),
        pytest.param(["load", "image.tar"], "push the images to a registry", id="load"),
    ],
)
def test_what_cannot_be_done_in_somebodys_cluster_names_the_way(
    existing: Existing, command: list[str], remedy: str
) -> None:
    done = existing.run(*command)

    assert done.returncode == 1
    assert remedy in done.stderr
