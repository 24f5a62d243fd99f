"""The manager: ready when it has seen the cluster, measurable while it works, gone cleanly on SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from kserve_lite.controller.runtime import informer as informer_module
from kserve_lite.controller.runtime import manager as manager_module
from kserve_lite.controller.runtime.controller import Controller
from kserve_lite.controller.runtime.informer import Informer
from kserve_lite.controller.runtime.kube import Key, Kind, Kube
from kserve_lite.controller.runtime.leader import Election
from kserve_lite.controller.runtime.manager import DEAF_SECONDS, Manager
from kserve_lite.controller.runtime.metrics import Metrics
from tools.apiserver import free_port

CONFIGMAP = Kind("", "v1", "ConfigMap", "configmaps")


async def test_the_manager_is_ready_after_its_lists_tells_its_metrics_and_leaves_the_lease_on_sigterm(
    kubeconfig: Path, namespace: str, kubectl: Callable[..., str]
) -> None:
    kubectl("-n", namespace, "create", "configmap", "one")
    seen = asyncio.Event()

    async def reconcile(key: Key) -> None:
        if key.name == "one":
            seen.set()

    kube = Kube.connect(kubeconfig)
    informer = Informer(kube, CONFIGMAP, (namespace,))
    metrics = Metrics()
    controller = Controller("configmap", reconcile, metrics, workers=2)
    controller.own(informer)
    port = free_port()
    manager = Manager(
        kube,
        metrics,
        [informer],
        [controller],
        Election(kube, Key(namespace, "lead"), "me"),
        host="127.0.0.1",
        port=port,
    )
    running = asyncio.ensure_future(manager.run())
    async with asyncio.timeout(60):
        await seen.wait()

        assert await ask(port, "/readyz") == (200, "ok\n")
        assert await ask(port, "/healthz") == (200, "ok\n")
        status, text = await ask(port, "/metrics")
        assert status == 200
        assert 'controller_runtime_reconcile_total{controller="configmap",result="success"}' in text
        assert 'kserve_lite_api_requests_total{resource="configmaps",verb="list"} 1.0' in text
        assert 'leader_election_master_status{name="lead"} 1.0' in text

        informer.last_heard -= 2 * DEAF_SECONDS
        assert await ask(port, "/healthz") == (500, "deaf: ConfigMap\n")

        os.kill(os.getpid(), signal.SIGTERM)
        await running
    assert kubectl("-n", namespace, "get", "lease", "lead", "-o", "jsonpath={.spec.holderIdentity}") == ""


async def test_a_kind_that_the_cluster_lacks_does_not_make_the_manager_deaf(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The same share of the real times: a wait for the kind, and what counts as deaf.
    scale = 2.0 / DEAF_SECONDS
    monkeypatch.setattr(informer_module, "UNWANTED_SECONDS", informer_module.UNWANTED_SECONDS * scale)
    monkeypatch.setattr(manager_module, "DEAF_SECONDS", DEAF_SECONDS * scale)
    kube = Kube.connect(kubeconfig)
    informer = Informer(kube, Kind("example.com", "v1", "Gadget", "gadgets"), optional=True)
    manager = Manager(kube, Metrics(), [informer], [], None)
    following = asyncio.ensure_future(informer.run())
    try:
        async with asyncio.timeout(60):
            while kube.counts.get(("list", "gadgets.example.com"), 0) < 4:
                assert manager.deaf() == []
                await asyncio.sleep(0.02)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await kube.close()


async def ask(port: int, path: str) -> tuple[int, str]:
    def request() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    return await asyncio.to_thread(request)
