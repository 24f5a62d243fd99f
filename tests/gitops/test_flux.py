"""`examples/gitops/flux` followed by a real Flux into the cluster that is up.

The tests are one story, in this order; each prints the seconds that it took.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from tests.e2e import models
from tests.e2e.conftest import cluster, kubectl
from tests.git_http import GitHttp
from tests.gitops.flux import KINDS, NAMESPACE, Flux
from tests.gitops.parts import pods, remove
from tests.gitops.repository import Repository, tell, until
from tools.cluster.kubectl import Kubectl, ready

__all__ = ["cluster", "kubectl"]

MODEL = f"oci+native://{models.REFERENCE}"
RELEASES = ("kserve-lite-crds", "kserve-lite", "model-iris")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """Return the examples in a repository that is served as a forge serves it, with a model within reach."""
    root = tmp_path_factory.mktemp("git")
    with GitHttp(root) as server:
        repository = Repository(root / "models", f"{server.address}/models/.git")
        repository.fill()
        repository.edit("examples/gitops/flux/model.yaml", lambda text: re.sub(r"gs://\S+", MODEL, text))
        yield repository


@pytest.fixture(scope="module")
def flux(
    kubectl: Kubectl, repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flux]:
    """Return Flux, with nothing applied yet; afterwards everything of it and of the examples is gone."""
    with Flux(tmp_path_factory.mktemp("flux"), kubectl) as flux:
        yield flux
    remove(kubectl, NAMESPACE, KINDS, ".toolkit.fluxcd.io")


def services(kubectl: Kubectl) -> list[dict[str, object]]:
    found: list[dict[str, object]] = kubectl.get("inferenceservices", "--namespace=models")["items"]
    return found


def test_the_folder_applied_brings_crds_controller_and_model_each_when_the_one_before_is_ready(
    flux: Flux, repository: Repository, kubectl: Kubectl
) -> None:
    kubectl("apply", "--filename", repository.folder / "examples/gitops/flux")

    took = until(flux, lambda: all(flux.settled(name) for name in RELEASES), 240)
    took += until(flux, lambda: [ready(one) for one in services(kubectl)] == [True], 60)
    tell("from `kubectl apply` of the folder to three releases Ready and the model answering", took)


def test_the_test_of_the_charts_release_ran_and_passed(flux: Flux) -> None:
    (hook,) = flux.release("kserve-lite")["status"]["history"][0]["testHooks"].values()
    assert hook["phase"] == "Succeeded"


def test_new_charts_and_values_restart_no_model(flux: Flux, repository: Repository, kubectl: Kubectl) -> None:
    before = pods(kubectl)
    assert len(before) == 1
    for chart in ("kserve-lite-crds", "kserve-lite-models", "kserve-lite"):
        repository.edit(
            f"charts/{chart}/Chart.yaml", lambda text: re.sub(r"(?m)^version: .*$", "version: 0.2.0", text)
        )
    release = yaml.safe_load((repository.folder / "examples/gitops/flux/controller.yaml").read_text())
    release["spec"]["values"]["controller"] = {"logLevel": "debug"}
    kubectl.apply(yaml.safe_dump(release))
    flux.reconcile()

    took = until(flux, lambda: all(flux.settled(name, "0.2.0") for name in RELEASES), 240)
    tell("from the commit of new charts to three releases Ready", took)
    (deployment,) = kubectl.get(
        "deployments", "--namespace=kserve-lite", "--selector=app.kubernetes.io/component=controller"
    )["items"]
    assert "--log-level=debug" in deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert pods(kubectl) == before


def test_a_models_release_takes_its_service_with_it_and_that_of_the_crds_takes_nothing(
    flux: Flux, kubectl: Kubectl
) -> None:
    kubectl("delete", "helmrelease", "model-iris", f"--namespace={NAMESPACE}", timeout=120)
    tell("from a model's release deleted to its service gone", until(flux, lambda: not services(kubectl), 60))

    kubectl("delete", "helmrelease", "kserve-lite-crds", f"--namespace={NAMESPACE}", timeout=120)
    names = kubectl("get", "customresourcedefinitions", "--output=name").split()
    assert len([name for name in names if name.endswith(".serving.kserve.io")]) == 6
