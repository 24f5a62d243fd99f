"""A real cluster, a fresh restricted namespace for each test, and words when a wait fails."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e import models
from tests.e2e.pods import Client, Namespace, client_pod
from tests.e2e.release import Helm, Release
from tools.cluster import provider
from tools.cluster.kubectl import Kubectl
from tools.cluster.provider import Provider
from tools.cluster.providers import PROVIDERS
from tools.errors import ToolError
from tools.images.catalogue import IMAGES

FOLDER = Path(__file__).parent
RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests of a release with other values together, and the faults of the control plane last.

    A change of the values takes ten seconds. Kubernetes' own controllers may be deaf for minutes after the faults: a
    claim was not bound seven minutes later.
    """

    def turn(item: pytest.Item) -> tuple[bool, bool]:
        ours, fixtures = item.path.parent == FOLDER, getattr(item, "fixturenames", ())
        changed = "release" in fixtures and "kserve_lite" not in fixtures
        return ours and item.path.name == "test_faults.py", ours and changed

    items.sort(key=turn)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """Return the cluster that is up, with the project's images and an image of models loaded."""
    name = provider.recorded()
    assert name, "no cluster is up: `make cluster`"
    missing = [image.name for image in IMAGES if not image.archive.exists()]
    assert not missing, f"images are not built: {missing}; `make images`"
    cluster = PROVIDERS[name]()
    folder = tmp_path_factory.mktemp("models")
    cluster.load([*(image.archive for image in IMAGES), models.image(folder)])
    return cluster


@pytest.fixture(scope="session")
def kubectl(cluster: Provider) -> Kubectl:
    """Return kubectl for the cluster."""
    return Kubectl(provider.KUBECONFIG)


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[Namespace]:
    """Return a fresh namespace in which Pod Security admits only restricted pods; it is deleted after the test."""
    name = f"e2e-{uuid4().hex[:8]}"
    kubectl.apply(
        json.dumps(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}
        )
    )
    namespace = Namespace(name, kubectl)
    yield namespace
    kubectl("delete", "namespace", name, "--wait=false")
    kubectl("delete", "persistentvolume", name, "--ignore-not-found", "--wait=false")


@pytest.fixture
def wait_for(namespace: Namespace) -> Callable[..., Any]:
    """Return a function that waits for a condition, and prints all that the namespace says when it does not come."""

    def wait(condition: Callable[[], Any], timeout: float = 90) -> Any:
        end = time.monotonic() + timeout
        while True:
            try:
                if found := condition():
                    return found
                said = ""
            except ToolError as error:  # an object that is not there yet, a server that does not answer yet
                said = str(error)
            if time.monotonic() > end:
                pytest.fail(f"not within {timeout:.0f} s: {said}\n{namespace.describe()}")
            time.sleep(0.5)

    return wait


@pytest.fixture
def client(namespace: Namespace, wait_for: Callable[..., Any]) -> Client:
    """Return a pod of the namespace that sends requests, as a neighbour of the model would."""
    namespace.apply(client_pod())
    wait_for(lambda: namespace.ready("client"))
    return Client(namespace)


@pytest.fixture(scope="session")
def helm(cluster: Provider) -> Helm:
    """Return Helm for the cluster."""
    return Helm(provider.KUBECONFIG)


@pytest.fixture(scope="session")
def release(helm: Helm, kubectl: Kubectl) -> Iterator[Release]:
    """Return the chart's release: its controller runs, for all tests of the session, with the values of any of them.

    With RELEASE=present somebody has seen to that, such as a controller that runs in a debugger.
    """
    release = Release(helm, kubectl)
    if os.environ.get("RELEASE") == "present":
        release.values = release.DEFAULTS
        yield release
        return
    release.upgrade()
    yield release
    release.uninstall()


@pytest.fixture
def kserve_lite(release: Release) -> Release:
    """Return the release with the chart's own values."""
    release.have()
    return release
