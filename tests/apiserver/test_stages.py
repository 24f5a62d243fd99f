"""`runtimeChanges: follow` rolls a changed runtime out in stages, and stops where it does not come up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kserve_lite.api.config import Config
from tests.apiserver.serving import RUNTIME, Namespace, controlling, isvc, settled, until

NAMES = ("a", "b", "c", "d")


def renewed(here: Namespace) -> list[str]:
    """Return the services whose pods are to be of the new image."""
    listed = json.loads(here.run("get", "deployments", "-o", "json"))["items"]
    return sorted(
        one["metadata"]["name"][0] for one in listed if "sklearnserver:new" in json.dumps(one["spec"])
    )


def newer() -> dict[str, Any]:
    runtime: dict[str, Any] = json.loads(json.dumps(RUNTIME))
    runtime["spec"]["containers"][0]["image"] = "kserve-lite/sklearnserver:new"
    return runtime


async def test_a_changed_runtime_is_followed_by_two_services_at_a_time(
    kubeconfig: Path, here: Namespace
) -> None:
    config = Config(runtime_changes="follow", runtime_changes_at_once=2)
    async with controlling(kubeconfig, here.name, config) as process:
        here.apply(*map(isvc, NAMES))
        await until(lambda: len(here.names("deployments")) == len(NAMES))
        for name in NAMES:
            here.answer(f"{name}-predictor")
        await until(lambda: all(here.ready(name).get("status") == "True" for name in NAMES))

        here.apply(newer())
        await until(lambda: len(renewed(here)) == 2)
        await settled(process)
        first = renewed(here)
        assert len(first) == 2  # the others wait
        assert all(here.ready(name)["reason"] == "RollingOut" for name in first)
        assert all(here.ready(name)["status"] == "True" for name in NAMES if name not in first)

        here.answer(f"{first[0]}-predictor")
        await until(lambda: len(renewed(here)) == 3)
        await settled(process)
        assert len(renewed(here)) == 3  # the second has not come up and keeps its place

        for name in renewed(here):
            here.answer(f"{name}-predictor")
        await until(lambda: renewed(here) == list(NAMES))
        for name in NAMES:
            here.answer(f"{name}-predictor")
        await until(lambda: all(here.ready(name).get("status") == "True" for name in NAMES))
        assert ("Normal", "RuntimeChanged") in [one[:2] for one in here.events("a")]


async def test_a_changed_runtime_that_is_not_followed_waits_for_the_next_change_of_a_service(
    kubeconfig: Path, here: Namespace
) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc("a"), isvc("b"))
        await until(lambda: len(here.names("deployments")) == 2)
        here.apply(newer())
        await settled(process)
        assert renewed(here) == []

        here.apply(isvc("a", nodeSelector={"disk": "ssd"}))
        await until(lambda: renewed(here) == ["a"])
        await settled(process)
        assert renewed(here) == ["a"]
