"""How far a Deployment is, judged by the pods of its newest version."""

from typing import Any

import pytest

from kserve_lite.controller.findings.deployment import rollout
from kserve_lite.controller.findings.pod import Pod
from tests.controller.pods import Object, container, deployment, pod

PULLING = container(waiting={"reason": "ImagePullBackOff", "message": "not found"})
LATER = "2026-01-02T00:00:00Z"
OLD_READY = pod("old", ready=True, version="old")
NEW_FAILING = pod("new", PULLING, version="new", created=LATER)
NEW_READY = pod("new", ready=True, version="new", created=LATER)
GOING = pod("gone", ready=True, version="old")
GOING["metadata"]["deletionTimestamp"] = LATER


def condition(kind: str, status: str, message: str) -> Object:
    return {"type": kind, "status": status, "message": message, "lastTransitionTime": LATER}


def refused(message: str) -> Object:
    return deployment(replicas=0, updated=0, conditions=(condition("ReplicaFailure", "True", message),))


LATE = deployment(
    replicas=0, updated=0, conditions=(condition("Progressing", "False", "has timed out progressing"),)
)
LATE["status"]["unavailableReplicas"] = 1
QUOTA = 'pods "x" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1'
SECURITY = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'
ACCOUNT = 'pods "x" is forbidden: error looking up service account ns/robot: serviceaccount "robot" not found'


@pytest.mark.parametrize(
    ("live", "pods", "ready", "code", "words"),
    [
        pytest.param(None, [], False, "Resolving", "not made yet", id="there is no Deployment yet"),
        pytest.param(deployment(), [], False, "Starting", "", id="there are no pods yet"),
        pytest.param(deployment(), [NEW_READY], True, None, "", id="all answer"),
        pytest.param(deployment(), [NEW_READY, GOING], True, None, "", id="an old one is leaving"),
        pytest.param(
            deployment(available=0), [NEW_READY], False, "Starting", "addresses", id="no other pod knows it yet"
        ),
        pytest.param(
            deployment(generation=2), [OLD_READY], False, "RollingOut", "still answers", id="a change not seen yet"
        ),
        pytest.param(
            deployment(replicas=2), [OLD_READY, pod("new", version="new", created=LATER)], False, "RollingOut",
            "still answers", id="the new version comes up",
        ),
        pytest.param(
            deployment(replicas=2), [OLD_READY, NEW_FAILING], False, "ImagePullFailed", "not found",
            id="the new version fails while the old one answers",
        ),
        pytest.param(deployment(), [NEW_FAILING], False, "ImagePullFailed", "pod new", id="the only pod fails"),
        pytest.param(
            deployment(replicas=2, updated=2), [NEW_READY, pod("b", PULLING, version="new", created=LATER)], True,
            "ImagePullFailed", "pod b", id="one more than there is room for: it answers, and the failure is kept",
        ),
        pytest.param(refused(QUOTA), [], False, "QuotaExceeded", "exceeded quota: few", id="a quota"),
        pytest.param(refused(SECURITY), [], False, "PodRefused", "securityContext", id="pod security"),
        pytest.param(refused(ACCOUNT), [], False, "PodRefused", "serviceAccountName", id="no service account"),
        pytest.param(LATE, [], False, "DeadlineExceeded", "timed out", id="nothing happens and nothing says why"),
    ],
)  # fmt: skip
def test_a_deployment_is_as_far_as_its_newest_pods(
    live: Object | None, pods: list[Object], ready: bool, code: str | None, words: str
) -> None:
    found = rollout(live, [Pod(body) for body in pods])

    assert found.ready is ready
    assert (found.finding.code if found.finding else None) == code
    assert words in str(found.finding or "")
    assert found.answering == sum(pod["status"]["conditions"][0]["status"] == "True" for pod in pods if
                                  "deletionTimestamp" not in pod["metadata"])  # fmt: skip


def test_failed_copies_are_counted() -> None:
    pods: list[Any] = [Pod(pod(name, PULLING)) for name in "ab"]

    assert rollout(deployment(replicas=2, updated=2), pods).failed == 2
