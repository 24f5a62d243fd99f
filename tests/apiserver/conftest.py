"""One real API server for the suite; each test gets a namespace of its own."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.apiserver.serving import RUNTIME, Namespace
from tools.apiserver import ApiServer
from tools.build import program

CRDS = Path(__file__).parents[2] / "schemas" / "crds"


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Etcd and kube-apiserver on loopback."""
    with ApiServer(tmp_path_factory.mktemp("apiserver")) as server:
        yield server


@pytest.fixture(scope="session")
def installed(apiserver: ApiServer) -> str:
    """Apply all CRDs as a user does; return what kubectl printed."""
    command = [program("kubectl"), f"--kubeconfig={apiserver.kubeconfig}"]
    applied = subprocess.run([*command, "apply", "-f", str(CRDS)], capture_output=True, text=True, check=True)
    waiting = [*command, "wait", "--for=condition=Established", "-f", str(CRDS), "--timeout=60s"]
    subprocess.run(waiting, capture_output=True, check=True)
    return applied.stdout


@pytest.fixture
def kubectl(apiserver: ApiServer) -> Callable[..., str]:
    """Run kubectl as administrator and return what it printed; a failure shows what it said."""

    def run(*arguments: str, stdin: str | None = None) -> str:
        command = [program("kubectl"), f"--kubeconfig={apiserver.kubeconfig}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def namespace(kubectl: Callable[..., str]) -> str:
    """A fresh namespace."""
    name = f"test-{uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    return name


@pytest.fixture
def here(namespace: str, kubectl: Callable[..., str], installed: str) -> Namespace:
    """The test's namespace, with our kinds and a runtime."""
    place = Namespace(namespace, kubectl)
    place.apply({**RUNTIME, "metadata": {"name": "sklearn"}})
    return place


@pytest.fixture
def kubeconfig(apiserver: ApiServer, tmp_path: Path) -> Path:
    """An administrator's kubeconfig that the test may change."""
    copy = tmp_path / "kubeconfig"
    copy.write_text(json.dumps(json.loads(apiserver.kubeconfig.read_text())))
    return copy


@pytest.fixture
def lenient(installed: str, kubectl: Callable[..., str]) -> Iterator[None]:
    """CRDs that check nothing, as an older release's or a skipped validation would leave objects."""
    names = ("inferenceservices", "servingruntimes")
    loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for name in names:
        crd = json.loads(kubectl("get", "crd", f"{name}.serving.kserve.io", "-o", "json"))
        schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        schema.pop("x-kubernetes-validations", None)
        schema["properties"]["spec"] = loose
        schema["properties"]["metadata"] = {"type": "object"}
        kubectl("replace", "-f", "-", stdin=json.dumps(crd))
    yield
    kubectl("replace", "-f", str(CRDS))
