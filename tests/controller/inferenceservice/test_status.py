"""The status follows from what was found, and reads well to Argo CD, kubectl wait and a person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kserve_lite.api.inferenceservice import InferenceService, InferenceServiceStatus
from kserve_lite.api.manifests import load
from kserve_lite.api.reasons import CONDITIONS, REASONS
from kserve_lite.controller.findings.deployment import Rollout
from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.inferenceservice.events import events
from kserve_lite.controller.inferenceservice.look import Look
from kserve_lite.controller.inferenceservice.status import status
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.service import resolve

SERVICE: dict[str, Any] = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "iris", "namespace": "ns", "generation": 3},
    "spec": {"predictor": {"sklearn": {"storageUri": "s3://b/m"}}},
}
READY = Rollout(answering=1, renewed=1, complete=True)
DENIED = Finding(
    "StorageAccessDenied", "pod p, container storage-initializer", "s3://b/m: 403", "give rights", 1
)


def effective() -> Effective:
    resource = load({**SERVICE, "metadata": {"name": "iris", "namespace": "ns"}})
    assert isinstance(resource, InferenceService)
    found = resolve(resource)
    assert isinstance(found, Effective)
    return found


EFFECTIVE = effective()


def condition(found: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((c for c in found["conditions"] if c["type"] == kind), {})


def test_a_service_that_answers_is_ready_with_its_url_inside() -> None:
    found = status(SERVICE, Look(EFFECTIVE, {"predictor": READY}))

    assert condition(found, "Ready")["status"] == condition(found, "PredictorReady")["status"] == "True"
    assert found["url"] == found["address"]["url"] == "http://iris.ns.svc.cluster.local"
    assert found["modelStatus"]["transitionStatus"] == "UpToDate"
    assert found["modelStatus"]["states"] == {"activeModelState": "Loaded", "targetModelState": "Loaded"}
    assert found["observedGeneration"] == 3
    assert [c["type"] for c in found["conditions"]] == ["Ready", "PredictorReady"]


def test_a_failure_says_code_place_cause_and_remedy_and_there_is_no_url() -> None:
    found = status(SERVICE, Look(EFFECTIVE, {"predictor": Rollout(failed=1, finding=DENIED)}))

    ready = condition(found, "Ready")
    sentence = "pod p, container storage-initializer: s3://b/m: 403; give rights"
    assert (ready["status"], ready["reason"], ready["message"]) == ("False", "StorageAccessDenied", sentence)
    assert "url" not in found
    assert found["modelStatus"]["transitionStatus"] == "BlockedByFailedLoad"
    assert found["modelStatus"]["lastFailureInfo"] == {
        "reason": "StorageAccessDenied", "message": sentence, "location": DENIED.place, "exitCode": 1,
    }  # fmt: skip
    assert found["modelStatus"]["states"]["targetModelState"] == "FailedToLoad"


def test_a_failing_new_version_is_not_ready_while_the_old_one_answers_at_its_url() -> None:
    found = status(SERVICE, Look(EFFECTIVE, {"predictor": Rollout(answering=1, failed=1, finding=DENIED)}))

    assert condition(found, "Ready")["status"] == "False"
    assert found["url"] == "http://iris.ns.svc.cluster.local"
    assert found["modelStatus"]["states"] == {
        "activeModelState": "Loaded",
        "targetModelState": "FailedToLoad",
    }


def test_a_failure_is_forgotten_on_recovery() -> None:
    failed = status(SERVICE, Look(EFFECTIVE, {"predictor": Rollout(failed=1, finding=DENIED)}))
    found = status({**SERVICE, "status": failed}, Look(EFFECTIVE, {"predictor": READY}))

    assert "lastFailureInfo" not in found["modelStatus"]
    assert "reason" not in condition(found, "Ready")


def test_the_url_is_the_outside_one_only_when_the_route_is_accepted() -> None:
    open_ = Look(EFFECTIVE, {"predictor": READY}, routed=True)
    refused = replace(open_, closed=Finding("RouteNotAccepted", "HTTPRoute iris", "no listener"))

    assert status(SERVICE, open_)["url"] == EFFECTIVE.url
    assert condition(status(SERVICE, open_), "IngressReady")["status"] == "True"
    closed = status(SERVICE, refused)
    assert closed["url"] == "http://iris.ns.svc.cluster.local"
    assert (
        condition(closed, "IngressReady")["reason"]
        == condition(closed, "Ready")["reason"]
        == "RouteNotAccepted"
    )


def test_a_transformer_that_does_not_answer_is_named_and_takes_the_url_away() -> None:
    waiting = Rollout(finding=Finding("Starting", "", "the pods start"))
    found = status(SERVICE, Look(EFFECTIVE, {"predictor": READY, "transformer": waiting}))

    assert condition(found, "TransformerReady")["status"] == "Unknown"
    assert condition(found, "PredictorReady")["status"] == "True"
    assert "url" not in found


def test_an_explainer_that_does_not_answer_leaves_the_predictions_where_they_are() -> None:
    waiting = Rollout(finding=Finding("Starting", "", "the pods start"))
    found = status(SERVICE, Look(EFFECTIVE, {"predictor": READY, "explainer": waiting}))

    assert condition(found, "ExplainerReady")["status"] == condition(found, "Ready")["status"] == "Unknown"
    assert found["url"] == "http://iris.ns.svc.cluster.local"


def test_a_pod_too_many_that_fails_is_reported_by_a_service_that_stays_ready() -> None:
    found = status(SERVICE, Look(EFFECTIVE, {"predictor": replace(READY, failed=1, finding=DENIED)}))

    assert condition(found, "Ready")["status"] == "True"
    assert found["modelStatus"]["copies"] == {"failedCopies": 1, "totalCopies": 1}
    assert found["modelStatus"]["lastFailureInfo"]["reason"] == "StorageAccessDenied"


def test_a_stopped_service_says_so_and_nothing_else() -> None:
    found = status(SERVICE, Look(EFFECTIVE, {"predictor": Rollout()}, stopped=True))

    assert condition(found, "Stopped")["status"] == "True"
    assert condition(found, "Ready")["reason"] == "Stopped"
    assert "url" not in found


findings = st.builds(
    Finding, st.sampled_from(sorted(set(REASONS) - {"Stopped"})), st.just("pod p"), st.text(max_size=2000)
)
rollouts = st.one_of(
    st.just(READY),
    st.builds(Rollout, st.integers(0, 3), st.just(0), st.integers(0, 2), st.just(False), findings),
    st.builds(
        Rollout, st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.just(True), findings | st.none()
    ),
)
looks = st.builds(
    Look,
    effective=st.just(EFFECTIVE),
    rollouts=st.builds(
        lambda p, t, e: {"predictor": p, **({"transformer": t} if t else {}), **({"explainer": e} if e else {})},
        rollouts, st.none() | rollouts, st.none() | rollouts,
    ),
    obstacles=st.lists(findings, max_size=2).map(tuple),
    routed=st.booleans(),
    closed=st.none() | st.builds(Finding, st.just("RouteNotAccepted"), st.just("HTTPRoute iris"), st.text()),
    stopped=st.booleans(),
)  # fmt: skip


def argo_health(found: dict[str, Any]) -> str:
    """What Argo CD's built-in health makes of an InferenceService (its rules, from reading them)."""
    if not found.get("conditions"):
        return "Progressing"
    transition = found["modelStatus"]["transitionStatus"]
    progressing = transition == "InProgress"
    degraded = transition not in ("UpToDate", "InProgress")
    if condition(found, "Stopped").get("status") == "True":
        return "Suspended"
    statuses = {c["status"] for c in found["conditions"]}
    if not progressing and not degraded and statuses == {"True"}:
        return "Healthy"
    return "Degraded" if degraded else "Progressing"


@given(looks)
def test_argo_reads_every_status_as_we_mean_it(look: Look) -> None:
    found = status(SERVICE, look)
    if look.stopped:
        expected = "Suspended"
    elif look.finding is None:
        expected = "Healthy"
    else:
        expected = "Degraded" if look.finding.failed else "Progressing"

    assert argo_health(found) == expected


@given(looks)
def test_a_status_holds_only_what_the_crd_knows_and_the_vocabulary_names(look: Look) -> None:
    found = status(SERVICE, look)

    kept = InferenceServiceStatus.model_validate(found, by_name=False).model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    assert kept == found
    assert {c["type"] for c in found["conditions"]} <= {one.type for one in CONDITIONS}
    assert {c["reason"] for c in found["conditions"] if "reason" in c} <= set(REASONS)
    assert all(len(c.get("message", "")) <= 1024 for c in found["conditions"])
    assert condition(found, "Ready")["status"] == "True" or look.finding is not None or look.stopped


@given(looks, looks)
def test_looking_twice_says_nothing_twice(look: Look, other: Look) -> None:
    first = status(SERVICE, look)
    again = status({**SERVICE, "status": first}, look)

    assert again == first
    assert list(events(first, again, look)) == []
    changed = status({**SERVICE, "status": first}, other)
    assert all(len(said.note) <= 1024 for said in events(first, changed, other))


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        pytest.param(Rollout(), READY, ["InferenceServiceReady"], id="ready"),
        pytest.param(READY, Rollout(failed=1, finding=DENIED), ["StorageAccessDenied"], id="failed"),
        pytest.param(Rollout(failed=1, finding=DENIED), READY, ["InferenceServiceReady"], id="recovered"),
        pytest.param(READY, READY, [], id="nothing new"),
    ],
)
def test_events_say_what_changed(before: Rollout, after: Rollout, reasons: list[str]) -> None:
    old = status(SERVICE, Look(EFFECTIVE, {"predictor": before}))
    look = Look(EFFECTIVE, {"predictor": after})

    assert [said.reason for said in events(old, status(SERVICE, look), look)] == reasons
