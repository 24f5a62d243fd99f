"""What ServiceAccounts and ClusterStorageContainers do to the pods of a service, seen at a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.serving import Namespace, controlling, isvc, until


@pytest.fixture
def fetcher(here: Namespace) -> Iterator[str]:
    """A container of the administrator's for a scheme of the test's own; its kind is the cluster's."""
    scheme = f"vault-{here.name}"
    here.apply(
        {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "ClusterStorageContainer",
            "metadata": {"name": scheme},
            "spec": {
                "container": {"name": "storage-initializer", "image": "me/fetch:1"},
                "supportedUriFormats": [{"prefix": f"{scheme}://"}],
            },
        }
    )
    yield scheme
    here.run("delete", "clusterstoragecontainer", scheme)


def spec(here: Namespace, name: str = "iris") -> Any:
    return here.read("deployment", f"{name}-predictor")["spec"]["template"]["spec"]


def secrets(here: Namespace) -> list[str]:
    return [one["secret"]["secretName"] for one in spec(here)["volumes"] if "secret" in one]


def account(*names: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "robot"},
        "secrets": [{"name": name} for name in names],
    }


async def test_the_secrets_of_a_service_account_are_named_and_never_read(
    kubeconfig: Path, here: Namespace
) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(account("one"), isvc(uri="s3://models/iris", serviceAccountName="robot"))
        await until(lambda: here.names("deployments"))
        await until(lambda: secrets(here) == ["one"])

        here.apply(account("one", "two"))
        await until(lambda: secrets(here) == ["one", "two"])

        assert not [what for what in process.kube.counts if "secrets" in what]


async def test_a_storage_container_fetches_what_nobody_else_knows(
    kubeconfig: Path, here: Namespace, fetcher: str
) -> None:
    async with controlling(kubeconfig, here.name):
        here.apply(isvc(uri=f"{fetcher}://models/iris"))
        await until(lambda: here.names("deployments"))

        (first,) = spec(here)["initContainers"]
        assert first["image"] == "me/fetch:1"
        assert first["args"] == [f"{fetcher}://models/iris", "/mnt/models"]
