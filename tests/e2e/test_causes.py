"""Every failure is named in status within ten seconds after the kubelet knows it, and forgotten on recovery."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import pods, services
from tests.e2e.client import Client
from tests.e2e.pods import Namespace, Object
from tests.e2e.release import Release

WaitFor = Callable[..., Any]

LATEST = 10.0  # seconds between the kubelet's knowledge and ours
NAME = "iris"
SAFE = {"securityContext": pods.RESTRICTED}
LITTLE = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "32Mi"}}
EATER = ["python3", "-c", "x = bytearray(200 << 20); import time; time.sleep(60)"]
MISSING_SECRET = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "nobody", "key": "k"}}}]

CAUSES = [
    pytest.param(services.custom(NAME, image="localhost/nothing:1", **SAFE), "ImagePullFailed", "localhost/nothing:1",
                 id="an image that does not exist"),
    pytest.param(services.custom(NAME, resources={"requests": {"cpu": "900"}}, **SAFE), "Unschedulable", "cpu",
                 id="no node is large enough"),
    pytest.param(services.custom(NAME, command=["no-such-program"], **SAFE), "ContainerCannotStart", "no-such-program",
                 id="a command that does not exist"),
    pytest.param(services.custom(NAME, command=EATER, resources=LITTLE, **SAFE), "OutOfMemory", "memory",
                 id="too little memory"),
    pytest.param(services.custom(NAME, command=["python3", "-c", "raise ValueError('no such column: petal')"], **SAFE),
                 "Crashed", "ValueError: no such column: petal", id="a crash"),
    pytest.param(services.custom(NAME, command=["python3", "-c", "import xgboost"], **SAFE), "MissingModule", "xgboost",
                 id="a module that the image does not have"),
    pytest.param(services.custom(NAME, env=MISSING_SECRET, **SAFE), "ConfigMissing", "nobody", id="a missing secret"),
    pytest.param(services.isvc(NAME, "pvc://nowhere/iris"), "VolumeClaimMissing", "nowhere", id="a missing claim"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "reason", "words"), CAUSES)
def test_a_pod_that_cannot_come_up_is_explained_in_time(
    kserve_lite: Release, namespace: Namespace, wait_for: WaitFor, service: Object, reason: str, words: str
) -> None:
    namespace.apply({**service, "metadata": {"name": NAME}})

    late = lateness(namespace, reason, wait_for)

    ready = services.condition(namespace, NAME)
    assert ready["status"] == "False"
    assert words in ready["message"]
    found = services.status(namespace, NAME)
    assert found["modelStatus"]["lastFailureInfo"]["reason"] == reason
    assert "url" not in found
    assert late <= LATEST


@pytest.mark.parametrize(
    ("path", "reason", "words"),
    [
        pytest.param(
            "/nothing/model.joblib", "StorageNotFound", "/nothing/model.joblib", id="there is no model"
        ),
        pytest.param(
            "/denied/model.joblib", "StorageAccessDenied", "access_denied", id="the storage refuses"
        ),
        pytest.param("/broken/model.joblib", "ModelLoadFailed", "model.joblib", id="the file is no model"),
        pytest.param(
            "/foreign/model.joblib", "MissingModule", "no_such_package", id="the model needs a package"
        ),
    ],
)
def test_a_model_that_is_not_there_or_does_not_load_is_explained_and_forgotten_on_recovery(
    kserve_lite: Release,
    namespace: Namespace,
    shelf: str,
    wait_for: WaitFor,
    path: str,
    reason: str,
    words: str,
) -> None:
    namespace.apply(services.isvc(NAME, shelf + path))
    late = lateness(namespace, reason, wait_for)
    assert words in services.condition(namespace, NAME)["message"]
    assert late <= LATEST

    namespace.apply(services.isvc(NAME, f"{shelf}/iris/model.joblib"))

    services.seconds_to_ready(namespace, NAME)
    assert "lastFailureInfo" not in services.status(namespace, NAME)["modelStatus"]


def test_a_quota_is_named_and_the_service_comes_up_when_it_is_raised(
    kserve_lite: Release, namespace: Namespace, wait_for: WaitFor
) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
    namespace.apply({**quota, "spec": {"hard": {"pods": "0"}}})
    wait_for(lambda: namespace.get("resourcequota", "none").get("status", {}).get("hard"))
    namespace.apply(services.isvc(NAME, services.IMAGE))
    wait_for(lambda: services.condition(namespace, NAME).get("reason") == "QuotaExceeded", timeout=30)
    assert "exceeded quota: none" in services.condition(namespace, NAME)["message"]

    namespace.run("delete", "resourcequota", "none")

    services.seconds_to_ready(namespace, NAME)


def test_a_new_version_that_fails_is_named_while_the_old_one_answers(
    kserve_lite: Release, namespace: Namespace, client: Client, shelf: str, wait_for: WaitFor
) -> None:
    namespace.apply(services.isvc(NAME, f"{shelf}/iris/model.joblib"))
    services.seconds_to_ready(namespace, NAME)
    url = services.status(namespace, NAME)["url"]

    namespace.apply(services.isvc(NAME, f"{shelf}/nothing/model.joblib"))

    wait_for(lambda: services.condition(namespace, NAME).get("reason") == "StorageNotFound")
    found = services.status(namespace, NAME)
    assert found["url"] == url
    assert found["modelStatus"]["states"] == {
        "activeModelState": "Loaded",
        "targetModelState": "FailedToLoad",
    }
    assert client.post(f"{url}/v1/models/{NAME}:predict", {"instances": [[5.1, 3.5, 1.4, 0.2]]})[0] == 200


def lateness(namespace: Namespace, reason: str, wait_for: WaitFor) -> float:
    """Wait for a reason in status; return how long after the kubelet (or scheduler) knew it it came."""
    known: list[float] = []

    def told() -> bool:
        if not known and any(map(troubled, namespace.pods(f"isvc.{NAME}-predictor"))):
            known.append(time.monotonic())
        return services.condition(namespace, NAME).get("reason") == reason

    wait_for(told, timeout=120)
    return time.monotonic() - known[0] if known else 0.0


def troubled(pod: Object) -> bool:
    """Whether the pod's own status shows that something is wrong."""
    status = pod["status"]
    if any(c.get("reason") == "Unschedulable" for c in status.get("conditions") or ()):
        return True
    for one in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        waiting = (one["state"].get("waiting") or {}).get("reason", "")
        ended = one["state"].get("terminated") or one.get("lastState", {}).get("terminated") or {}
        if waiting not in ("", "ContainerCreating", "PodInitializing") or ended.get("exitCode"):
            return True
    return False
