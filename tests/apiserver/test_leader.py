"""The Lease election against a real API server: one leads, leaves cleanly, loses in time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kserve_lite.controller.runtime.events import Recorder
from kserve_lite.controller.runtime.kube import Key, Kube
from kserve_lite.controller.runtime.leader import Election

Kubectl = Callable[..., str]


class Candidate:
    """A process that would lead, and what it did."""

    def __init__(self, kubeconfig: Path, namespace: str, name: str, working: set[str]) -> None:
        self.kube = Kube.connect(kubeconfig)
        self.election = Election(
            self.kube, Key(namespace, "lead"), name, duration=2.0, deadline=1.2, retry=0.2
        )
        self.name = name
        self.working = working
        self.task = asyncio.ensure_future(self.election.run(lambda: asyncio.ensure_future(self.work())))

    async def work(self) -> None:
        assert not self.working, f"{self.name} began while {self.working} worked"
        self.working.add(self.name)
        try:
            await asyncio.Event().wait()
        finally:
            self.working.discard(self.name)

    async def leads(self) -> None:
        async with asyncio.timeout(30):
            await self.election.leading.wait()
            while self.name not in self.working:
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.kube.close()


def holder(kubectl: Kubectl, namespace: str) -> str:
    return kubectl("-n", namespace, "get", "lease", "lead", "-o", "jsonpath={.spec.holderIdentity}")


async def test_the_lease_is_released_after_the_work_and_the_next_one_leads_at_once(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    working: set[str] = set()
    first = Candidate(kubeconfig, namespace, "first", working)
    await first.leads()
    second = Candidate(kubeconfig, namespace, "second", working)
    assert holder(kubectl, namespace) == "first"

    await first.stop()
    assert holder(kubectl, namespace) in ("", "second")
    await second.leads()

    assert working == {"second"}
    await second.stop()


async def test_a_leader_that_vanished_is_followed_when_its_time_is_over(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    kubectl("create", "-f", "-", stdin=json.dumps(lease(namespace, "gone", seconds=1)))
    working: set[str] = set()

    second = Candidate(kubeconfig, namespace, "second", working)
    await second.leads()

    assert holder(kubectl, namespace) == "second"
    await second.stop()


async def test_a_leader_whose_lease_was_stolen_stops_its_work_and_ends(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    working: set[str] = set()
    first = Candidate(kubeconfig, namespace, "first", working)
    await first.leads()

    stolen = json.dumps({"spec": {"holderIdentity": "thief", "leaseDurationSeconds": 60}})
    kubectl("-n", namespace, "patch", "lease", "lead", "--type=merge", "-p", stolen)
    async with asyncio.timeout(30):
        await first.task

    assert not working
    assert holder(kubectl, namespace) == "thief"
    await first.kube.close()


async def test_a_leader_that_cannot_reach_the_server_stops_before_anyone_else_may_lead(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    working: set[str] = set()
    first = Candidate(kubeconfig, namespace, "first", working)
    await first.leads()

    wire = first.kube.wire
    wire.access = replace(wire.access, server="https://127.0.0.1:1")
    loop = asyncio.get_running_loop()
    cut = loop.time()
    async with asyncio.timeout(30):
        await first.task

    assert not working
    # Its last renewal came before the cut, and a rival must wait `duration` from then on.
    assert loop.time() - cut < first.election.duration
    await first.kube.close()


async def test_an_event_that_is_said_again_is_counted_and_not_repeated(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    kubectl("-n", namespace, "create", "configmap", "about")
    about = json.loads(kubectl("-n", namespace, "get", "configmap", "about", "-o", "json"))
    kube = Kube.connect(kubeconfig)
    now = [0.0]
    recorder = Recorder(kube, "kserve-lite", "pod-1", clock=lambda: now[0])

    for _ in range(5):
        await recorder.event(about, "Warning", "Broken", "Reconcile", "It broke.")
    now[0] = 1000.0
    await recorder.event(about, "Warning", "Broken", "Reconcile", "It broke.")
    await recorder.event(about, "Normal", "Mended", "Reconcile", "It works.")
    await kube.close()

    events = json.loads(kubectl("-n", namespace, "get", "events.events.k8s.io", "-o", "json"))["items"]
    told = {event["reason"]: event for event in events}
    assert sorted(told) == ["Broken", "Mended"]
    assert told["Broken"]["series"]["count"] == 6
    assert told["Broken"]["regarding"]["name"] == "about"
    assert told["Broken"]["reportingController"] == "kserve-lite"


def lease(namespace: str, identity: str, seconds: int) -> dict[str, object]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "lead", "namespace": namespace},
        "spec": {"holderIdentity": identity, "leaseDurationSeconds": seconds, "leaseTransitions": 3},
    }
