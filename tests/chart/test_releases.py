"""Releases on a real API server: what install, upgrade, rollback and uninstall leave in it."""

import json

import pytest

from kserve_lite.controller.crds import VERSION, packaged
from tests.chart.conftest import CHARTS, Session
from tools.build import program

MAIN, MODELS, CRDS = (
    str(CHARTS / name) for name in ("kserve-lite", "kserve-lite-models", "kserve-lite-crds")
)
# No node runs a hook here; tests/releases has one.
QUIET = ("--set", "crds.upgrade.enabled=false", "--timeout", "60s")


def model(name: str, *more: str) -> tuple[str, ...]:
    said = [f"models.{name}.storageUri=s3://models/{name}", *(f"models.{name}.{one}" for one in more)]
    return tuple(part for one in said for part in ("--set", one))


def install(session: Session, *more: str) -> None:
    """Install the chart with models.

    Helm 4 waits for the CRDs that it makes only with --wait, which waits for pods too, and no node runs any here: it
    finds them made. tests/releases has a first install by it.
    """
    if session.helm_name == "helm":
        assert session.kserve_lite("crds", "apply").returncode == 0
    session.helm("install", "kl", MAIN, *QUIET, *more)


def test_the_first_install_on_an_empty_cluster_brings_crds_and_models_in_one_release(
    each_helm: Session,
) -> None:
    install(each_helm, *model("iris"))
    assert list(each_helm.services()) == ["iris"]
    assert len(each_helm.crds()) == 6


def test_an_upgrade_creates_changes_and_deletes_exactly_what_changed(each_helm: Session) -> None:
    install(each_helm, *model("a"), *model("b"), *model("c"))
    before = each_helm.services()
    each_helm.helm("upgrade", "kl", MAIN, *QUIET, *model("a"), *model("b", "replicas.min=2"), *model("d"))
    after = each_helm.services()
    assert set(after) == {"a", "b", "d"}
    assert after["a"]["metadata"]["resourceVersion"] == before["a"]["metadata"]["resourceVersion"]
    assert after["b"]["metadata"]["uid"] == before["b"]["metadata"]["uid"]
    assert after["b"]["spec"]["predictor"]["minReplicas"] == 2


def test_a_model_goes_when_it_is_not_enabled_and_comes_back_with_a_rollback(each_helm: Session) -> None:
    install(each_helm, *model("a"), *model("b"))
    each_helm.helm("upgrade", "kl", MAIN, *QUIET, "--reuse-values", "--set", "models.a.enabled=false")
    assert set(each_helm.services()) == {"b"}
    each_helm.helm("rollback", "kl", "1")
    assert set(each_helm.services()) == {"a", "b"}


def test_null_takes_a_model_away_when_values_are_reset_but_not_when_they_are_reused(
    each_helm: Session,
) -> None:
    each_helm.helm("install", "crds", CRDS, "--wait")
    each_helm.helm("install", "team", MODELS, *model("a"), *model("b"))
    each_helm.helm("upgrade", "team", MODELS, "--reuse-values", "--set", "models.a=null")
    assert set(each_helm.services()) == {"a", "b"}
    each_helm.helm("upgrade", "team", MODELS, "--reset-then-reuse-values", "--set", "models.a=null")
    assert set(each_helm.services()) == {"b"}


def test_an_uninstall_leaves_the_crds_and_what_is_kept_and_ends_at_once(each_helm: Session) -> None:
    install(each_helm, *model("a"), *model("kept", "keep=true"))
    each_helm.kubectl("apply", "-f", "examples/sklearn-iris/isvc.yaml")
    each_helm.helm("uninstall", "kl", "--timeout", "30s")
    assert set(each_helm.services()) == {"kept", "sklearn-iris"}
    assert len(each_helm.crds()) == 6


def test_an_install_after_an_uninstall_finds_crds_and_models_again(each_helm: Session) -> None:
    install(each_helm, *model("kept", "keep=true"))
    uid = each_helm.services()["kept"]["metadata"]["uid"]
    each_helm.helm("uninstall", "kl", "--timeout", "30s")
    install(each_helm, *model("kept", "keep=true"), *model("new"))
    found = each_helm.services()
    assert set(found) == {"kept", "new"}
    assert found["kept"]["metadata"]["uid"] == uid


def test_a_second_controller_of_one_cluster_is_refused_before_anything_is_made(each_helm: Session) -> None:
    install(each_helm)
    said = each_helm.fails("install", "other", MAIN, *QUIET, *model("iris"))
    assert 'ClusterRole "kserve-lite-' in said
    assert "cannot be imported into the current release" in said
    assert each_helm.services() == {}


def test_missing_rights_are_named_and_nothing_is_made(each_helm: Session) -> None:
    each_helm.kubectl("create", "serviceaccount", "nobody", "--namespace=default")
    token = each_helm.kubectl("create", "token", "nobody", "--namespace=default").strip()
    config = json.loads(each_helm.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    weak = each_helm.home / "weak"
    weak.write_text(json.dumps(config))
    said = each_helm.fails("install", "kl", MAIN, *QUIET, "--kubeconfig", str(weak))
    assert "system:serviceaccount:default:nobody" in said
    assert "forbidden" in said
    assert each_helm.crds() == {}


def test_two_namespaced_releases_stand_side_by_side(each_helm: Session) -> None:
    for name in ("one", "two"):
        each_helm.kubectl("create", "namespace", f"{name}-{each_helm.helm_name}")
        each_helm.helm(
            "install",
            "kl",
            MAIN,
            "--namespace",
            f"{name}-{each_helm.helm_name}",
            "--set",
            "rbac.scope=namespaced",
        )
    for name in ("one", "two"):
        each_helm.helm("uninstall", "kl", "--namespace", f"{name}-{each_helm.helm_name}")


def test_models_without_crds_are_refused_with_the_remedy(each_helm: Session) -> None:
    said = each_helm.fails("install", "team", MODELS, *model("iris"))
    assert "no matches for kind" in said
    assert "InferenceService" in said


def test_a_wrong_value_stops_template_lint_and_install_alike(each_helm: Session) -> None:
    wrong = ("--set", "config.network.mode=gateway")
    # Helm's own idea of a cluster, when there is none, depends on how it was built.
    for command in (("template", "--kube-version=1.34.0", "kl"), ("lint",), ("install", "kl")):
        done = each_helm.run(program(each_helm.helm_name), *command, MAIN, *wrong)
        assert done.returncode != 0
        assert "config.network.gateway.name: mode gateway attaches routes to a Gateway: name it" in (
            done.stdout + done.stderr
        )


@pytest.mark.parametrize("keep", [True, False])
def test_the_crds_chart_keeps_crds_and_adopts_its_own(each_helm: Session, keep: bool) -> None:
    each_helm.helm("install", "crds", CRDS, "--set", f"keep={str(keep).lower()}")
    assert len(each_helm.crds()) == 6
    each_helm.helm("uninstall", "crds")
    # The API server takes its time to empty a CRD that goes; that it goes is what Helm decides.
    staying = [crd for crd in each_helm.crds().values() if "deletionTimestamp" not in crd["metadata"]]
    assert len(staying) == (6 if keep else 0)
    if keep:
        each_helm.helm("install", "crds", CRDS)
        assert len(each_helm.crds()) == 6


def test_crds_of_another_release_are_not_taken_without_a_word(each_helm: Session) -> None:
    each_helm.helm("install", "crds", CRDS)
    said = each_helm.fails("install", "other", CRDS)
    assert "invalid ownership metadata" in said


def test_helm_4_stops_at_older_crds_of_the_hook_and_leaves_them_to_it_when_told(session: Session) -> None:
    for crd in packaged():
        older = {**crd, "metadata": {**crd["metadata"], "annotations": {VERSION: "0.0.1"}}}
        session.kubectl(
            *("apply", "--server-side", "--field-manager=kserve-lite-crds", "-f", "-"),
            stdin=json.dumps(older),
        )
    said = session.fails("install", "kl", MAIN, *QUIET, *model("iris"))
    assert 'conflict with "kserve-lite-crds"' in said
    install(session, *model("iris"), "--skip-crds")
    assert list(session.services()) == ["iris"]


def test_no_field_of_a_service_belongs_to_anybody_but_helm(session: Session) -> None:
    install(session, *model("iris"))
    managers = session.get("inferenceservices", "iris", "--show-managed-fields")["metadata"]["managedFields"]
    assert {one["manager"] for one in managers} == {"helm"}
