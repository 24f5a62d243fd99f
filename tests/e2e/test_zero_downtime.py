"""200 requests a second, and whatever is done to the service or to its controller, none of them fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e import services
from tests.e2e.client import Client, Load
from tests.e2e.models import QUESTIONS
from tests.e2e.pods import Namespace
from tests.e2e.release import Release
from tools.errors import ToolError

WaitFor = Callable[..., Any]
RATE = 200
APP = "isvc.sklearn-iris-predictor"
DEPLOYMENT = "sklearn-iris-predictor"


@pytest.fixture
def base(kserve_lite: Release, namespace: Namespace, client: Client, shelf: str, wait_for: WaitFor) -> str:
    """Serve the service by two pods; return its URL."""
    namespace.apply(service(f"{shelf}/iris/model.joblib"))
    services.seconds_to_ready(namespace, "sklearn-iris")
    base = f"http://sklearn-iris.{namespace.name}.svc.cluster.local"
    wait_for(lambda: client.reaches(f"{base}/v1/models/sklearn-iris"))
    return base


@pytest.fixture
def load(base: str, client: Client, wait_for: WaitFor) -> Iterator[Load]:
    """Ask the service all the time; a test ends it by `unharmed`."""
    question, _ = QUESTIONS["iris"]
    with Load(
        client, f"{base}/v1/models/sklearn-iris:predict", {"instances": question}, threads=8, rate=RATE
    ) as load:
        wait_for(lambda: load.answered() > RATE)
        yield load


def service(uri: str) -> dict[str, Any]:
    """Return the service with two replicas, which brings a disruption budget."""
    return services.isvc("sklearn-iris", uri, minReplicas=2, maxReplicas=2)


def unharmed(load: Load, wait_for: WaitFor) -> None:
    """Wait for some more answers, end the load and fail if a single request did."""
    reached = load.answered()
    wait_for(lambda: load.answered() > reached + RATE)
    outcome = load.stop()
    print(
        f"{outcome['ok']} requests, {outcome['ok'] / outcome['seconds']:.0f} a second, {len(outcome['failed'])} failed"
    )
    assert outcome["failed"] == []


def uids(namespace: Namespace) -> set[str]:
    return {pod["metadata"]["uid"] for pod in namespace.pods(APP)}


def test_a_new_version_of_the_model_takes_over_without_a_failed_request(
    namespace: Namespace, shelf: str, load: Load, wait_for: WaitFor
) -> None:
    before = uids(namespace)

    namespace.apply(service(f"{shelf}/models/model.joblib"))
    services.seconds_to_ready(namespace, "sklearn-iris")
    wait_for(lambda: len(namespace.get("pods", f"--selector=app={APP}")["items"]) == 2)

    assert before.isdisjoint(uids(namespace))
    unharmed(load, wait_for)


def test_a_drained_node_waits_for_each_pods_successor(
    namespace: Namespace, load: Load, wait_for: WaitFor
) -> None:
    """Evictions are what a drain does; on one node there is no other to cordon it for."""
    before = namespace.pods(APP)

    for pod in before:
        wait_for(lambda name=pod["metadata"]["name"]: evicted(namespace, name))
    wait_for(lambda: len(namespace.pods(APP)) == 2 and namespace.ready(APP))

    assert {pod["metadata"]["uid"] for pod in before}.isdisjoint(uids(namespace))
    unharmed(load, wait_for)


def evicted(namespace: Namespace, pod: str) -> bool:
    """Ask for the eviction of a pod; False while the disruption budget says no."""
    meta = {"name": pod, "namespace": namespace.name}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
    path = f"/api/v1/namespaces/{namespace.name}/pods/{pod}/eviction"
    try:
        namespace.run("create", "--raw", path, "-f", "-", stdin=json.dumps(body))
    except ToolError as refused:
        if "disruption budget" not in refused.message:
            raise
        return False
    return True


def test_an_upgrade_and_a_killed_leader_touch_no_pod(
    kserve_lite: Release, namespace: Namespace, load: Load, wait_for: WaitFor
) -> None:
    pods = uids(namespace)
    template = namespace.get("deployment", DEPLOYMENT)["spec"]["template"]
    leader = kserve_lite.leader()

    # Another setting of every model's pods, which a release may bring as well: it waits for the next change of each.
    kserve_lite.upgrade(json.dumps({"config": {"pods": {"terminationGracePeriodSeconds": 77}}}))
    wait_for(lambda: kserve_lite.leader() not in (leader, ""))
    kserve_lite.kill(kserve_lite.leader())
    services.seconds_to_ready(namespace, "sklearn-iris")
    namespace.apply(services.isvc("another", "oci+native://localhost/none"))
    wait_for(lambda: services.status(namespace, "another"))

    assert namespace.get("deployment", DEPLOYMENT)["spec"]["template"] == template
    assert uids(namespace) == pods
    unharmed(load, wait_for)
