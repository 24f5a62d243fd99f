"""`kserve-lite crds apply` against a real API server."""

import json
from typing import Any

import pytest

from kserve_lite import __version__
from kserve_lite.controller.crds import VERSION, packaged
from tests.chart.conftest import Session

ISVC = "inferenceservices.serving.kserve.io"
GRAPHS = "inferencegraphs.serving.kserve.io"


def apply(session: Session, crd: dict[str, Any]) -> None:
    session.kubectl("apply", "--server-side", "--field-manager=somebody", "-f", "-", stdin=json.dumps(crd))


def of(name: str, **annotations: str) -> dict[str, Any]:
    """One of our CRDs as another release or another tool would have it."""
    (crd,) = [one for one in packaged() if one["metadata"]["name"] == name]
    return {**crd, "metadata": {"name": name, "annotations": annotations}}


def test_an_empty_cluster_gets_all_and_the_second_time_nothing_changes(session: Session) -> None:
    first = session.kserve_lite("crds", "apply")
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("created, kserve-lite") == 6
    before = {name: crd["metadata"]["resourceVersion"] for name, crd in session.crds().items()}
    assert len(before) == 6
    second = session.kserve_lite("crds", "apply")
    assert second.stdout.count("unchanged") == 6
    assert {name: crd["metadata"]["resourceVersion"] for name, crd in session.crds().items()} == before


def test_a_dry_run_changes_nothing(session: Session) -> None:
    done = session.kserve_lite("crds", "apply", "--dry-run")
    assert (done.returncode, done.stdout.count("--dry-run")) == (0, 6)
    assert session.crds() == {}


def test_an_older_crd_is_brought_along(session: Session) -> None:
    apply(session, of(GRAPHS, **{VERSION: "0.0.1"}))
    done = session.kserve_lite("crds", "apply", "--force-conflicts")
    assert done.returncode == 0, done.stderr
    assert f"{GRAPHS}: 0.0.1 -> {__version__}" in done.stdout
    assert session.crds()[GRAPHS]["metadata"]["annotations"][VERSION] == __version__


def test_fields_of_another_tool_are_named_and_left_alone_unless_taken_over(session: Session) -> None:
    apply(session, of(GRAPHS, **{VERSION: "0.0.1"}))
    done = session.kserve_lite("crds", "apply")
    assert done.returncode == 1
    assert "conflict" in done.stderr
    assert "--force-conflicts takes the fields over" in done.stderr


def test_the_crd_of_another_tool_stops_everything_before_anything_is_changed(session: Session) -> None:
    apply(
        session,
        of(GRAPHS, **{"meta.helm.sh/release-name": "kserve-crd", "meta.helm.sh/release-namespace": "kserve"}),
    )
    done = session.kserve_lite("crds", "apply", "--force-conflicts")
    assert done.returncode == 1
    assert "this CRD belongs to the Helm release kserve/kserve-crd" in done.stderr
    assert "--take-over" in done.stderr
    assert list(session.crds()) == [GRAPHS]
    taken = session.kserve_lite("crds", "apply", "--force-conflicts", "--take-over")
    assert taken.returncode == 0, taken.stderr
    assert f"{GRAPHS}: not ours -> {__version__}" in taken.stdout


def test_a_newer_crd_is_not_replaced_by_an_older(session: Session) -> None:
    apply(session, of(GRAPHS, **{VERSION: "99.0.0"}))
    done = session.kserve_lite("crds", "apply", "--force-conflicts")
    assert done.returncode == 1
    assert "the cluster has the CRD of kserve-lite 99.0.0" in done.stderr
    assert session.kserve_lite("crds", "apply", "--force-conflicts", "--allow-downgrade").returncode == 0


def test_a_version_that_objects_are_stored_in_is_not_taken_away(session: Session) -> None:
    older = of(GRAPHS, **{VERSION: "0.0.1"})
    (version,) = older["spec"]["versions"]
    older["spec"] = {
        **older["spec"],
        "versions": [{**version, "name": "v1alpha0", "storage": True}, {**version, "storage": False}],
    }
    apply(session, older)
    done = session.kserve_lite("crds", "apply", "--force-conflicts")
    assert done.returncode == 1
    assert "objects are stored as version v1alpha0, which kserve-lite" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--context", "nowhere"), "nowhere"),
        (("--kubeconfig", "/nowhere"), "there is no file /nowhere"),
    ],
)
def test_a_cluster_that_cannot_be_reached_is_named(
    session: Session, options: tuple[str, str], said: str
) -> None:
    done = session.kserve_lite("crds", "apply", *options)
    assert done.returncode == 1
    assert said in done.stderr


def test_missing_rights_are_named_with_the_remedy(session: Session) -> None:
    config = json.loads(session.kubeconfig.read_text())
    session.kubectl("create", "serviceaccount", "nobody", "--namespace=default")
    config["users"][0]["user"] = {
        "token": session.kubectl("create", "token", "nobody", "--namespace=default").strip()
    }
    weak = session.home / "weak"
    weak.write_text(json.dumps(config))
    done = session.kserve_lite("crds", "apply", "--kubeconfig", str(weak))
    assert done.returncode == 1
    assert "give the account get, create and patch on customresourcedefinitions" in done.stderr
