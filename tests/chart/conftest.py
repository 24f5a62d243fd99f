"""Real Helm, both majors, against a real API server: what releases do to it, without a node that runs anything."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.apiserver import ApiServer
from tools.build import program
from tools.cache import CLONE

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


@pytest.fixture
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Etcd and kube-apiserver on loopback, without anything of ours.

    One for each test: an API server that was made to forget our CRDs serves them late the next time, and says so to no
    one; Helm 4 is quicker than that.
    """
    with ApiServer(tmp_path_factory.mktemp("apiserver")) as server:
        yield server


@pytest.fixture
def session(apiserver: ApiServer, tmp_path: Path) -> Session:
    """A person with Helm 4."""
    return Session(apiserver.kubeconfig, tmp_path)


@pytest.fixture(params=["helm3", "helm"])
def each_helm(request: pytest.FixtureRequest, apiserver: ApiServer, tmp_path: Path) -> Session:
    """The same with either Helm."""
    return Session(apiserver.kubeconfig, tmp_path, request.param)
