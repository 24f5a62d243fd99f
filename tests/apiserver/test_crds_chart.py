"""Helm installs, upgrades and removes the chart of the CRDs on a real API server; models outlive all three."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.apiserver import ApiServer
from tools.build import program

CHART = Path(__file__).parents[2] / "charts" / "kserve-lite-crds"
CRD = "trainedmodels.serving.kserve.io"
MODEL = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "TrainedModel",
    "metadata": {"name": "iris"},
    "spec": {
        "inferenceService": "host",
        "model": {"storageUri": "s3://models/iris", "framework": "sklearn", "memory": "1Gi"},
    },
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    """An API server of its own: nobody else's CRDs."""
    with ApiServer(tmp_path / "apiserver") as server:
        yield server


def runner(server: ApiServer, name: str) -> Callable[..., str]:
    """Run Helm or kubectl against the server and return what it printed."""

    def run(*arguments: str, stdin: str | None = None) -> str:
        command = [program(name), f"--kubeconfig={server.kubeconfig}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{name} {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    return run


@pytest.mark.parametrize("major", ["helm3", "helm"])
def test_models_outlive_upgrade_and_uninstall_and_a_new_release_takes_the_crds_over(
    server: ApiServer, major: str
) -> None:
    helm, kubectl = runner(server, major), runner(server, "kubectl")

    helm("install", "crds", str(CHART))
    kubectl("wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=60s")
    kubectl("apply", "-f", "-", stdin=json.dumps(MODEL))

    helm("upgrade", "crds", str(CHART), "--set", "labels.team=flowers")
    assert kubectl("get", "crd", CRD, "-o", "jsonpath={.metadata.labels.team}") == "flowers"

    helm("uninstall", "crds")
    assert kubectl("get", "trainedmodel", "-o", "name") == "trainedmodel.serving.kserve.io/iris\n"

    helm("install", "crds", str(CHART))
    helm("upgrade", "crds", str(CHART), "--set", "keep=false")
    helm("uninstall", "crds")
    kubectl("wait", "--for=delete", f"crd/{CRD}", "--timeout=60s")
