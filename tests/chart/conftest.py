"""Real Helm, both majors, against a real API server: what releases do to it, without a node that runs anything."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.apiserver import ApiServer
from tools.build import program
from tools.cache import CLONE
from tools.wait import wait_for

CHARTS = CLONE / "charts"
OURS = "serving.kserve.io"


@dataclass(frozen=True)
class Session:
    """Commands of one person against one API server."""

    kubeconfig: Path
    home: Path
    helm_name: str = "helm"

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self._checked(["kubectl"], arguments, stdin)

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def helm(self, *arguments: str) -> str:
        return self._checked([self.helm_name], arguments, None)

    def fails(self, *arguments: str) -> str:
        """Run Helm, which must refuse; return what it says."""
        done = self.run(program(self.helm_name), *arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def kserve_lite(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run(Path(sys.executable), "-m", "kserve_lite", *arguments)

    def run(
        self, executable: Path, *arguments: str, stdin: str | None = None
    ) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.home)}
        return subprocess.run(
            [executable, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=environment,
            cwd=CLONE,
            timeout=300,
            check=False,
        )

    def services(self, namespace: str = "default") -> dict[str, Any]:
        """The InferenceServices of a namespace by name."""
        found = self.get("inferenceservices", f"--namespace={namespace}")["items"]
        return {one["metadata"]["name"]: one for one in found}

    def crds(self) -> dict[str, Any]:
        """The CRDs of our group by name."""
        found = self.get("customresourcedefinitions")["items"]
        return {one["metadata"]["name"]: one for one in found if one["spec"]["group"] == OURS}

    def _checked(self, name: list[str], arguments: tuple[str, ...], stdin: str | None) -> str:
        done = self.run(program(name[0]), *arguments, stdin=stdin)
        assert done.returncode == 0, f"{name[0]} {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Etcd and kube-apiserver on loopback."""
    with ApiServer(tmp_path_factory.mktemp("apiserver")) as server:
        yield server


@pytest.fixture
def session(apiserver: ApiServer, tmp_path: Path) -> Session:
    """A cluster without any CRD of ours, and Helm 4."""
    session = Session(apiserver.kubeconfig, tmp_path)
    _clear(session)
    return session


@pytest.fixture(params=["helm3", "helm"])
def each_helm(request: pytest.FixtureRequest, apiserver: ApiServer, tmp_path: Path) -> Session:
    """The same with either Helm."""
    session = Session(apiserver.kubeconfig, tmp_path, request.param)
    _clear(session)
    return session


def _clear(session: Session) -> None:
    """Remove what an earlier test left: releases, rights, CRDs."""
    for kind in ("secrets", "configmaps", "deployments", "services", "serviceaccounts"):
        session.kubectl("delete", kind, "--all", "--namespace=default", "--ignore-not-found")
    for kind in ("roles", "rolebindings"):
        session.kubectl("delete", kind, "--all", "--namespace=default", "--ignore-not-found")
    for kind in ("clusterroles", "clusterrolebindings"):
        label = "--selector=app.kubernetes.io/managed-by=Helm"
        session.kubectl("delete", kind, label, "--ignore-not-found")
    if names := list(session.crds()):
        session.kubectl("delete", "customresourcedefinitions", *names, "--wait=false")
        wait_for("the CRDs are gone", lambda: _gone(session), timeout=120, remedy="read the API server's log")


def _gone(session: Session) -> bool:
    """Tell whether our CRDs are gone; give those that are left another look.

    The API server tries to empty a CRD that it has just begun to serve, fails ("storage is (re)initializing"), and
    waits up to minutes before it tries again, unless the CRD changes.
    """
    left = list(session.crds())
    if left:
        look = ("annotate", "--overwrite", "customresourcedefinitions", *left, f"look={time.monotonic()}")
        session.run(program("kubectl"), *look)  # one that goes meanwhile is none to annotate
    return not left
