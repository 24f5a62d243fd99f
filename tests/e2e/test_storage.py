"""The promise again, with models in stores that want a password: it is in a Secret, and stays there."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import services, stores
from tests.e2e.client import Client
from tests.e2e.models import QUESTIONS
from tests.e2e.pods import Namespace
from tests.e2e.release import Release
from tests.e2e.stores import Place
from tools.cluster.provider import Provider

WaitFor = Callable[..., Any]

QUESTION, ANSWER = QUESTIONS["iris"]
PLACES: dict[str, Callable[[Namespace, Path, str], Place]] = {
    "s3": lambda namespace, *_: stores.s3(namespace),
    "gs": lambda namespace, *_: stores.gs(namespace),
    "oci": lambda namespace, folder, _: stores.oci(namespace, folder),
    "http": lambda _, __, shelf: stores.http(shelf),
    "pvc": lambda namespace, *_: stores.pvc(namespace),
}


@pytest.fixture(scope="module")
def trusting(release: Release, cluster: Provider, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return the release with one more value, the ConfigMap of authorities; the stores' image is loaded."""
    cluster.load([stores.image(tmp_path_factory.mktemp("stores"))])
    release.have(f"config: {{storage: {{caBundleConfigMap: {stores.AUTHORITIES}}}}}")
    return release


@pytest.mark.parametrize("name", PLACES)
def test_a_model_behind_a_password_is_served_at_the_url_of_the_seed(
    trusting: Release,
    namespace: Namespace,
    client: Client,
    shelf: str,
    wait_for: WaitFor,
    tmp_path: Path,
    name: str,
) -> None:
    stores.authorities(namespace, tmp_path)
    place = PLACES[name](namespace, tmp_path, shelf)
    if place.secret:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        secret = stores.secret_of("store", place.secret)
        namespace.apply(secret, {**account, "secrets": [{"name": "store"}]})
    namespace.apply(services.isvc("sklearn-iris", place.uri))

    services.seconds_to_ready(namespace, "sklearn-iris")

    url = f"http://sklearn-iris.{namespace.name}.svc.cluster.local/v1/models/sklearn-iris:predict"
    wait_for(lambda: client.post(url, {"instances": QUESTION}) == [200, {"predictions": ANSWER}])
    assert_nothing_tells_it(trusting, namespace, place)


def test_a_wrong_password_is_told_in_the_status_and_tells_no_password(
    trusting: Release, namespace: Namespace, wait_for: WaitFor, tmp_path: Path
) -> None:
    stores.authorities(namespace, tmp_path)
    place = stores.s3(namespace)
    wrong = {**place.secret, "AWS_SECRET_ACCESS_KEY": "a-wrong-password"}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    namespace.apply(stores.secret_of("store", wrong), {**account, "secrets": [{"name": "store"}]})
    namespace.apply(services.isvc("sklearn-iris", place.uri))

    def failed() -> Any:
        return (services.status(namespace, "sklearn-iris").get("modelStatus") or {}).get("lastFailureInfo")

    told = wait_for(failed)

    assert "credentials" in told["message"]
    assert place.uri in told["message"]
    assert_nothing_tells_it(trusting, namespace, Place(place.uri, wrong))


def assert_nothing_tells_it(release: Release, namespace: Namespace, place: Place) -> None:
    """No password in any object but the Secrets, nor in any log."""
    kinds = "pods,deployments,replicasets,events,inferenceservices,configmaps"
    told = json.dumps(namespace.get(kinds)) + release.log(1000)
    pods = namespace.get("pods", "--selector=serving.kserve.io/inferenceservice=sklearn-iris")["items"]
    for pod in pods:
        for container in started(pod):
            told += namespace.run("logs", pod["metadata"]["name"], f"--container={container}")
    hidden = [
        value
        for entry, value in place.secret.items()
        if entry.endswith(("_KEY", "headers", ".dockerconfigjson"))
    ]
    assert pods
    for value in [stores.PASSWORD, stores.LOGIN, *hidden]:
        assert value not in told
        assert b64encode(value.encode()).decode() not in told


def started(pod: Any) -> list[str]:
    """Return the containers of a pod that have begun, and so have logs."""
    status = pod["status"]
    found = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    return [one["name"] for one in found if "waiting" not in one["state"] or one.get("lastState")]
