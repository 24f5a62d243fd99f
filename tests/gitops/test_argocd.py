"""`examples/gitops` followed by a real Argo CD into the cluster that is up, and what its people then do with it.

The tests are one story, in this order; each prints the seconds that it took.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import pytest

from tests.e2e import models
from tests.e2e.conftest import cluster, kubectl
from tests.gitops.argocd import NAMESPACE, ArgoCD
from tests.gitops.parts import pods, remove
from tests.gitops.repository import Repository, tell, until
from tools.cluster.kubectl import Kubectl, ready

__all__ = ["cluster", "kubectl"]

MODEL = f"oci+native://{models.REFERENCE}"
MODELS = ("iris", "price")
APPS = ("kserve-lite-crds", "kserve-lite", "kserve-lite-all", *(f"model-{name}" for name in MODELS))
REST = float(
    os.environ.get("REST_SECONDS", "90")
)  # half of the time at rest; docs/guides/gitops.md has a run


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return the examples in a repository of their own, with models that this cluster can reach."""
    folder = tmp_path_factory.mktemp("git")
    repository = Repository(folder, f"file://{folder}")
    repository.fill()
    for name in MODELS:
        repository.model(name, MODEL)
    return repository


@pytest.fixture(scope="module")
def argo(
    kubectl: Kubectl, repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ArgoCD]:
    """Return Argo CD, with nothing applied yet; afterwards everything of it and of the examples is gone."""
    with ArgoCD(tmp_path_factory.mktemp("argocd"), kubectl) as argo:
        yield argo
    remove(kubectl, NAMESPACE, ("applicationsets", "applications"), ".argoproj.io")


def test_one_object_brings_crds_controller_and_models_and_all_are_healthy(
    argo: ArgoCD, repository: Repository, kubectl: Kubectl
) -> None:
    kubectl.apply((repository.folder / "examples/gitops/argocd/all.yaml").read_text())

    seen = {name: set[str]() for name in APPS}
    degraded = set[tuple[str, str]]()

    def all_healthy() -> bool:
        for name, status in argo.apps().items():
            seen.setdefault(name, set()).add((status.get("health") or {}).get("status", ""))
            for one in status.get("resources") or ():
                health = one.get("health") or {}
                if health.get("status") == "Degraded" and one["kind"] != "Application":
                    degraded.add((one["kind"], health.get("message", "")))
        return all(argo.settled(name, repository.head()) for name in APPS)

    tell(
        "from `kubectl apply` of all.yaml to five applications Synced and Healthy",
        until(argo, all_healthy, 240),
    )
    assert "Progressing" in seen["model-iris"]
    # Argo CD itself calls every CRD degraded from its creation until the API server serves it.
    assert degraded <= {("CustomResourceDefinition", "CRD is not established")}
    crds = {"kserve-lite-crds", "kserve-lite-all"}
    assert all("Degraded" not in states for name, states in seen.items() if name not in crds), seen
    assert argo.health("model-iris", "InferenceService")[0] == "Healthy"
    assert argo.health("kserve-lite", "ClusterServingRuntime")[0] == "Healthy"


def test_a_model_that_cannot_load_is_degraded_in_words_and_healthy_when_repaired(
    argo: ArgoCD, repository: Repository
) -> None:
    # The neighbour answers, and has no such file.
    repository.model("broken", "http://iris.models.svc.cluster.local/no-such-model.joblib")
    argo.refresh()
    until(argo, lambda: "model-broken" in argo.apps(), 60)
    took = until(argo, lambda: argo.health("model-broken", "InferenceService")[0] == "Degraded", 60)
    argo.refresh()  # Argo CD writes messages at a change of status or a refresh
    message = argo.health("model-broken", "InferenceService")[1]
    tell(f"from the commit of a bad model to Degraded: {message}", took)
    assert len(message.split()) > 3, message
    assert (argo.app("model-broken").get("health") or {}).get("status") == "Degraded"
    assert argo.health("model-iris", "InferenceService")[0] == "Healthy"

    commit = repository.model("broken", MODEL)
    argo.refresh()
    tell("from its repair to Healthy", until(argo, lambda: argo.settled("model-broken", commit), 90))


def test_a_model_goes_with_its_file(argo: ArgoCD, repository: Repository, kubectl: Kubectl) -> None:
    repository.forget("broken")
    argo.refresh()

    def gone() -> bool:
        found = kubectl.get("inferenceservices", "--namespace=models")["items"]
        return "model-broken" not in argo.apps() and len(found) == len(MODELS)

    tell("from a model's removal to its InferenceService gone", until(argo, gone, 60))


def test_an_upgrade_of_every_chart_restarts_no_model(
    argo: ArgoCD, repository: Repository, kubectl: Kubectl
) -> None:
    before = pods(kubectl)
    assert len(before) == len(MODELS)
    for chart in ("kserve-lite-crds", "kserve-lite-models", "kserve-lite"):
        repository.edit(
            f"charts/{chart}/Chart.yaml", lambda text: re.sub(r"(?m)^version: .*$", "version: 0.2.0", text)
        )
    commit = repository.edit(
        "examples/gitops/argocd/controller.yaml",
        lambda text: text.replace(
            "        crds:\n", "        controller: {logLevel: debug}\n        crds:\n"
        ),
    )
    argo.refresh()
    took = until(argo, lambda: all(argo.settled(name, commit) for name in APPS), 180)
    tell("from the commit of new charts to all Synced and Healthy", took)
    label = kubectl.get("inferenceservice", "iris", "--namespace=models")["metadata"]["labels"][
        "helm.sh/chart"
    ]
    assert label == "kserve-lite-models-0.2.0"
    (deployment,) = kubectl.get(
        "deployments", "--namespace=kserve-lite", "--selector=app.kubernetes.io/component=controller"
    )["items"]
    assert "--log-level=debug" in deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert pods(kubectl) == before


def at_rest(argo: ArgoCD, seconds: float) -> None:
    """Look on for a while: applications are compared, none is ever out of sync, nothing is synced."""
    syncs, compared = argo.count("argocd_app_sync_total"), argo.count("argocd_app_reconcile_count")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        states = {name: (status.get("sync") or {}).get("status") for name, status in argo.apps().items()}
        assert set(states.values()) == {"Synced"}, argo.describe()
        time.sleep(2)
    assert argo.count("argocd_app_sync_total") == syncs
    more = argo.count("argocd_app_reconcile_count") - compared
    assert more >= len(APPS) * (seconds // 30 - 1), more
    tell(f"at rest: {more:.0f} comparisons, no difference, no sync", seconds)


def test_at_rest_and_after_a_restart_of_the_controller_there_is_no_difference_and_no_sync(
    argo: ArgoCD, kubectl: Kubectl
) -> None:
    at_rest(argo, REST)
    label = "--selector=app.kubernetes.io/component=controller"
    kubectl("delete", "pods", "--namespace=kserve-lite", label, timeout=120)

    def works() -> bool:
        found = kubectl.get("pods", "--namespace=kserve-lite", label)["items"]
        healthy = all(
            (status.get("health") or {}).get("status") == "Healthy" for status in argo.apps().values()
        )
        return bool(found) and all(ready(pod) for pod in found) and healthy

    until(argo, works, 90)
    at_rest(argo, REST)


@pytest.mark.parametrize("server_side", ["true", "false"])
def test_neither_way_to_compare_sees_a_difference(
    argo: ArgoCD, repository: Repository, kubectl: Kubectl, server_side: str
) -> None:
    option = f"argocd.argoproj.io/compare-options=ServerSideDiff={server_side}"
    kubectl("annotate", "applications", "--all", f"--namespace={NAMESPACE}", "--overwrite", option)
    before = {name: status["reconciledAt"] for name, status in argo.apps().items()}
    argo.refresh("hard")
    until(argo, lambda: all(argo.app(name)["reconciledAt"] > at for name, at in before.items()), 60)
    assert all(argo.settled(name, repository.head()) for name in APPS), argo.describe()


def test_the_crds_and_models_outlive_the_application_of_the_crds(argo: ArgoCD, kubectl: Kubectl) -> None:
    before = pods(kubectl)
    # Without the application above, which would make it again.
    patch = '{"metadata":{"finalizers":["resources-finalizer.argocd.argoproj.io"]}}'
    place = f"--namespace={NAMESPACE}"
    kubectl("delete", "application", "kserve-lite-all", place)
    kubectl("patch", "application", "kserve-lite-crds", place, "--type=merge", f"--patch={patch}")

    kubectl("delete", "application", "kserve-lite-crds", place, "--timeout=60s", timeout=90)

    names = kubectl("get", "customresourcedefinitions", "--output=name").split()
    assert len([name for name in names if name.endswith(".serving.kserve.io")]) == 6
    assert len(kubectl.get("inferenceservices", "--namespace=models")["items"]) == len(MODELS)
    assert pods(kubectl) == before
