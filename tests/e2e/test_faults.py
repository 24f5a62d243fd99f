"""The control plane's parts die; the models answer meanwhile, everything comes back, and then nothing is written."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any

from tests.e2e import pods, services
from tests.e2e.client import Client, Load
from tests.e2e.models import QUESTIONS
from tests.e2e.pods import Namespace
from tests.e2e.release import Release

WaitFor = Callable[..., Any]
REST_SECONDS = float(os.environ.get("REST_SECONDS", "60"))
REQUESTS = re.compile(
    r'^kserve_lite_api_requests_total\{resource="([^"]+)",verb="([^"]+)"\} ([\d.e+]+)', re.MULTILINE
)


def test_models_answer_while_the_control_plane_dies_and_afterwards_it_rests(
    kserve_lite: Release, namespace: Namespace, client: Client, wait_for: WaitFor
) -> None:
    namespace.apply(services.isvc("iris", services.IMAGE))
    services.seconds_to_ready(namespace, "iris")
    base = f"http://iris.{namespace.name}.svc.cluster.local"
    wait_for(lambda: client.reaches(f"{base}/v1/models/iris"))
    (pod,) = (one["metadata"]["uid"] for one in namespace.pods("isvc.iris-predictor"))
    wait_for(lambda: not leaving(namespace), timeout=120)

    with Load(client, f"{base}/v1/models/iris:predict", {"instances": QUESTIONS["iris"][0]}, rate=50) as load:
        kserve_lite.kill(kserve_lite.leader())
        for part in ("kube-apiserver", "etcd"):
            die(namespace, part, wait_for)
        gone = ("delete", "service", "iris-predictor", "--ignore-not-found")
        wait_for(lambda: namespace.run(*gone) is not None, timeout=120)
        wait_for(lambda: namespace.apply(services.isvc("second", services.IMAGE)) is None)
        wait_for(lambda: namespace.get("service", "iris-predictor"))
        services.seconds_to_ready(namespace, "second")
        wait_for(lambda: services.is_ready(namespace, "iris"))
        outcome = load.stop()

    assert outcome["failed"] == []
    assert outcome["ok"] > 0
    assert [one["metadata"]["uid"] for one in namespace.pods("isvc.iris-predictor")] == [pod]
    rests(kserve_lite, wait_for)


def leaving(namespace: Namespace) -> list[str]:
    """Return the namespaces of other tests that are on their way out.

    An API server that restarts in the midst of it knows no CRD for a moment, and Kubernetes takes a namespace of
    InferenceServices for empty; they would be left in a namespace that is gone, and be written at rest.
    """
    found = namespace.kubectl.get("namespaces")["items"]
    return [one["metadata"]["name"] for one in found if one["status"]["phase"] == "Terminating"]


def die(namespace: Namespace, part: str, wait_for: WaitFor) -> None:
    """Kill a part of the control plane by a pod that sees the node's processes; wait until it was started anew."""
    namespace.apply(pods.killer(part))

    def answers() -> bool:
        done = namespace.kubectl.get("pod", f"kill-{part}", "--namespace=kube-system")
        return done["status"]["phase"] == "Succeeded"

    wait_for(answers, timeout=120)
    gone = ("delete", "pod", f"kill-{part}", "--namespace=kube-system", "--ignore-not-found", "--wait=false")
    wait_for(lambda: namespace.kubectl(*gone) is not None)


def rests(kserve_lite: Release, wait_for: WaitFor) -> None:
    """Fail when the leader writes anything, its Lease left aside, while nothing changes."""
    wait_for(kserve_lite.leader)
    leader = kserve_lite.leader()
    wait_for(lambda: settled(kserve_lite, leader))
    before = writes(kserve_lite.metrics(leader))
    time.sleep(REST_SECONDS)  # the rest is its duration
    assert kserve_lite.leader() == leader
    assert writes(kserve_lite.metrics(leader)) == before


def settled(kserve_lite: Release, leader: str) -> bool:
    """Whether nothing was written between two readings five seconds apart."""
    before = writes(kserve_lite.metrics(leader))
    time.sleep(5)
    return writes(kserve_lite.metrics(leader)) == before


def writes(metrics: str) -> dict[tuple[str, str], float]:
    """Return the requests that change something, by resource and verb."""
    return {
        (resource, verb): float(count)
        for resource, verb, count in REQUESTS.findall(metrics)
        if verb not in ("get", "list", "watch") and not resource.startswith("leases")
    }
