"""Whatever breaks, the cluster comes to what the services say, and then nothing more is written."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kserve_lite.api.config import Config
from kserve_lite.controller.runtime.controller import Requeue, Retry
from kserve_lite.controller.runtime.kube import Key
from kserve_lite.controller.runtime.manager import Manager
from tests.apiserver.faulty_proxy import FaultyProxy
from tests.apiserver.serving import Namespace, controlling, isvc, settled, until, writes
from tools.apiserver import ApiServer, free_port

LEASE = 3


class Replicas:
    """Controllers as processes of their own, as a Deployment of several replicas has them."""

    def __init__(self, kubeconfig: Path, namespace: str, folder: Path) -> None:
        self.kubeconfig = kubeconfig
        self.namespace = namespace
        self.folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        command = [sys.executable, "-m", "kserve_lite", "controller", f"--kubeconfig={self.kubeconfig}",
                   f"--namespace={self.namespace}", f"--lease-seconds={LEASE}",
                   f"--address=127.0.0.1:{free_port()}"]  # fmt: skip
        environment = {**os.environ, "POD_NAME": name, "POD_NAMESPACE": self.namespace}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def end(self, name: str, number: int = signal.SIGTERM) -> int:
        process = self.running.pop(name)
        process.send_signal(number)
        return process.wait(timeout=30)


@pytest.fixture
def replicas(kubeconfig: Path, here: Namespace, tmp_path: Path) -> Iterator[Replicas]:
    """No process yet; those that a test starts end with it."""
    started = Replicas(kubeconfig, here.name, tmp_path)
    yield started
    for name in list(started.running):
        started.end(name, signal.SIGKILL)


def holder(here: Namespace) -> str:
    return str(here.read("lease", "kserve-lite")["spec"].get("holderIdentity", "")).rpartition("_")[0]


async def test_a_killed_leader_is_followed_by_the_other_replica(here: Namespace, replicas: Replicas) -> None:
    replicas.start("one")
    await until(lambda: holder(here) == "one")
    replicas.start("two")
    here.apply(isvc("first"))
    await until(lambda: here.names("deployments") == ["first-predictor"])

    replicas.end("one", signal.SIGKILL)
    here.apply(isvc("second"))

    await until(lambda: here.names("deployments") == ["first-predictor", "second-predictor"])
    assert holder(here) == "two"


async def test_a_leader_that_is_told_to_stop_hands_over_at_once(here: Namespace, replicas: Replicas) -> None:
    replicas.start("one")
    await until(lambda: holder(here) == "one")

    assert replicas.end("one") == 0
    assert holder(here) == ""


async def test_a_leader_whose_lease_is_stolen_ends_and_works_no_more(
    here: Namespace, replicas: Replicas
) -> None:
    replicas.start("one")
    await until(lambda: holder(here) == "one")
    steal = {"spec": {"holderIdentity": "thief_1", "leaseDurationSeconds": 3600}}

    here.run("patch", "lease", "kserve-lite", "--type=merge", "-p", json.dumps(steal))
    code = await asyncio.to_thread(replicas.running["one"].wait, 30)
    here.apply(isvc())

    assert code == 1
    assert holder(here) == "thief"
    assert here.names("deployments") == []


async def converged(here: Namespace, *names: str) -> None:
    """Wait until each service has its three children and a status."""
    await until(
        lambda: sorted(here.names("deployments")) == sorted(f"{name}-predictor" for name in names), 90
    )
    services = sorted([*names, *(f"{name}-predictor" for name in names)])
    await until(lambda: sorted(here.names("services")) == services)
    for name in names:
        await until(lambda name=name: here.ready(name).get("reason") == "Starting")


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.slow)])
async def test_an_api_server_that_was_away_is_caught_up_with(
    apiserver: ApiServer, kubeconfig: Path, here: Namespace, seconds: float
) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc("a"), isvc("b"))
        await converged(here, "a", "b")
        apiserver.stop()
        await asyncio.sleep(seconds)  # the fault is its duration
        apiserver.start()
        here.run("delete", "service", "a")
        here.run("delete", "isvc", "b")
        # Nobody collects here, so nobody would take back what a controller makes that has not heard of it yet.
        (services,) = (one for one in process.informers if one.kind.kind == "InferenceService")
        await until(lambda: services.get(Key(here.name, "b")) is None)
        here.run("delete", "deployment/b-predictor", "service/b", "service/b-predictor")
        here.apply(isvc("c"))

        await converged(here, "a", "c")
        await settled(process)


async def test_an_etcd_that_restarts_under_the_watches_is_survived(
    apiserver: ApiServer, kubeconfig: Path, here: Namespace
) -> None:
    async with controlling(kubeconfig, here.name):
        here.apply(isvc("a"))
        await converged(here, "a")
        apiserver.stop_etcd()
        apiserver.start_etcd()
        await until(lambda: here.apply(isvc("b")) is None)

        await converged(here, "a", "b")


async def test_a_history_that_is_compacted_under_the_watches_is_listed_anew(
    apiserver: ApiServer, kubeconfig: Path, here: Namespace
) -> None:
    async with controlling(kubeconfig, here.name):
        here.apply(isvc("a"))
        await converged(here, "a")
        apiserver.stop()
        apiserver.start()
        here.run("delete", "service", "a")
        apiserver.compact()
        apiserver.stop()
        apiserver.start()

        await converged(here, "a")


async def test_children_that_are_deleted_or_changed_by_hand_come_back(
    kubeconfig: Path, here: Namespace
) -> None:
    async with controlling(kubeconfig, here.name):
        here.apply(isvc("a"))
        await converged(here, "a")
        here.run("delete", "deployment/a-predictor", "service/a", "service/a-predictor")
        await converged(here, "a")

        patch = '{"spec":{"template":{"spec":{"containers":[{"name":"kserve-container","image":"other"}]}}}}'
        here.run("patch", "deployment", "a-predictor", "-p", patch)

        def image() -> str:
            pod = here.read("deployment", "a-predictor")["spec"]["template"]["spec"]
            return str(pod["containers"][0]["image"])

        await until(lambda: image() == "kserve-lite/sklearnserver:test")


async def test_two_versions_do_not_fight_and_the_newer_one_prevails(
    kubeconfig: Path, here: Namespace
) -> None:
    """Versions differ in what they render: here by a setting, which a release may change as well."""
    newer = Config.model_validate({"pods": {"terminationGracePeriodSeconds": 77}}, by_name=False)
    async with controlling(kubeconfig, here.name, lease_seconds=LEASE) as old:
        here.apply(isvc("a"))
        await converged(here, "a")
        template = here.read("deployment", "a-predictor")["spec"]["template"]
        async with controlling(kubeconfig, here.name, newer, lease_seconds=LEASE) as new:
            await settled(old)
            assert writes(new) == 0  # it waits for the lead

    async with controlling(kubeconfig, here.name, newer) as new:
        here.apply(isvc("b"))
        await converged(here, "a", "b")
        await rests(new, here, "a", "b")
        assert here.read("deployment", "a-predictor")["spec"]["template"] == template
        spec = here.read("deployment", "b-predictor")["spec"]["template"]["spec"]
        assert spec["terminationGracePeriodSeconds"] == 77


async def test_with_three_percent_of_the_calls_failing_everything_converges(
    kubeconfig: Path, here: Namespace, tmp_path: Path
) -> None:
    proxy = FaultyProxy(kubeconfig, 0.03)
    names = [f"s{n}" for n in range(25)]
    async with proxy.running(tmp_path) as through, controlling(through, here.name) as process:
        watched(process)
        here.apply(*map(isvc, names))
        await converged(here, *names)
        here.apply(*(isvc(name, "pvc://models/other") for name in names))

        def changed() -> bool:
            items = json.loads(here.run("get", "deployments", "-o", "json"))["items"]
            return all("other" in json.dumps(one["spec"]) for one in items)

        await until(changed)
        await settled(process)
        assert proxy.failed > 3
        proxy.share = 0.0
        await rests(process, here, *names)


async def rests(process: Manager, here: Namespace, *names: str) -> None:
    """Fail when another look at everything writes anything."""
    await settled(process)
    done = writes(process)
    for controller in process.controllers:
        for name in names:
            controller.queue.add(Key(here.name, name))
    await settled(process)
    assert writes(process) == done


def watched(process: Manager) -> None:
    """Fail when a key is in two workers."""
    for controller in process.controllers:
        reconcile, busy = controller.reconcile, set[Key]()

        async def alone(key: Key, reconcile=reconcile, busy=busy) -> Requeue | Retry | None:  # type: ignore[no-untyped-def]
            assert key not in busy, f"{key} is in two workers"
            busy.add(key)
            try:
                return await reconcile(key)
            finally:
                busy.discard(key)

        controller.reconcile = alone
