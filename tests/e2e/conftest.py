"""A real cluster, a fresh restricted namespace for each test, and words when a wait fails."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import models, services
from tests.e2e.client import Client, client_pod
from tests.e2e.pods import Namespace
from tests.e2e.release import Helm, Release
from tools.cluster import provider
from tools.cluster.kubectl import Kubectl
from tools.cluster.provider import Provider
from tools.cluster.providers import PROVIDERS
from tools.images.catalogue import IMAGES

FOLDER = Path(__file__).parent


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
    with Namespace.fresh(kubectl) as namespace:
        yield namespace


@pytest.fixture
def wait_for(namespace: Namespace) -> Callable[..., Any]:
    """Return a function that waits for a condition, and prints all that the namespace says when it does not come."""
    return namespace.wait_for


@pytest.fixture(scope="session")
def neighbours(kubectl: Kubectl) -> Iterator[Namespace]:
    """Return the namespace of what stands beside the models of all tests: a pod that asks, and a web server of models.

    Both are as good for one test as for the next, and take five seconds to start.
    """
    with Namespace.fresh(kubectl) as neighbours:
        neighbours.apply(client_pod(), *services.shelf())
        neighbours.wait_for(lambda: neighbours.ready("client") and neighbours.ready("shelf"))
        yield neighbours


@pytest.fixture(scope="session")
def client(neighbours: Namespace) -> Client:
    """Return a pod that sends requests, as others in the cluster would."""
    return Client(neighbours)


@pytest.fixture(scope="session")
def shelf(neighbours: Namespace) -> str:
    """Return the URL of the folder of models on a web server."""
    return f"http://shelf.{neighbours.name}.svc.cluster.local"


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
