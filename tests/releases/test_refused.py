"""What cannot be installed is refused in words that name the cause, and nothing of the release runs."""

from __future__ import annotations

import json

from kserve_lite.controller.crds import packaged
from tests.releases.conftest import NAME, PLACE, Session
from tests.releases.test_life import CHART, WAIT, install


def nothing_runs(session: Session) -> bool:
    """Tell whether no controller and no model of the release were made."""
    kinds = "deployments,services,configmaps"
    label = "--selector=app.kubernetes.io/name=kserve-lite"
    return not session.kubectl.get(kinds, f"--namespace={PLACE}", label)["items"]


def test_crds_of_another_tool_are_named_with_the_remedy_in_what_helm_prints(session: Session) -> None:
    owner = {"meta.helm.sh/release-name": "kserve-crd", "meta.helm.sh/release-namespace": "kserve"}
    theirs = [
        {**crd, "metadata": {"name": crd["metadata"]["name"], "annotations": owner}} for crd in packaged()
    ]
    session.kubectl.apply("\n---\n".join(map(json.dumps, theirs)))

    said = session.said(
        "install", NAME, CHART, *WAIT, "--create-namespace", "--skip-crds", "--set", "tests.enabled=false"
    )

    assert "this CRD belongs to the Helm release kserve/kserve-crd" in said
    assert "--take-over" in said
    assert nothing_runs(session)

    session.helm("uninstall", NAME, "--namespace", PLACE, "--wait")
    install(session, CHART, "--skip-crds", "--set", "crds.upgrade.takeOver=true")
    assert session.crd_versions() == {"0.1.0"}


def test_an_image_out_of_reach_ends_in_time_and_leaves_nothing_running(session: Session) -> None:
    said = session.said(
        *("install", NAME, CHART, "--namespace", PLACE, "--create-namespace", "--wait", "--timeout", "60s"),
        *("--set", "controller.image.tag=nowhere", "--set", "crds.upgrade.deadlineSeconds=15"),
    )

    assert "failed pre-install" in said
    assert "kserve-lite-crds" in said
    assert nothing_runs(session)


def test_a_second_release_in_one_cluster_is_refused_and_the_first_works_on(session: Session) -> None:
    install(session, CHART)

    said = session.said("install", "other", CHART, "--namespace", "other", "--create-namespace")

    assert "cannot be imported into the current release" in said
    assert session.kubectl.get("deployment", NAME, f"--namespace={PLACE}")["status"]["readyReplicas"] == 2


def test_a_name_that_is_too_long_is_refused_before_anything_is_made(session: Session) -> None:
    said = session.said("install", "a" * 54, CHART, "--namespace", PLACE)
    assert "53" in said or "invalid release name" in said
