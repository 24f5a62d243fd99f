"""Logs and events are asked for when a status cannot say more, and ever more rarely."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kserve_lite.controller.findings.evidence import LEAST, MOST, Wish, wish
from kserve_lite.controller.findings.pod import Pod
from tests.controller.pods import STARTED, container, pod

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
RUNNING = {"startedAt": STARTED}
FETCHING = pod(
    "p",
    container(waiting={"reason": "PodInitializing"}),
    init=(container("storage-initializer", running=RUNNING),),
)
LOADING = pod("p", container(running=RUNNING))
CREATING = pod("p", container(waiting={"reason": "ContainerCreating"}))


@pytest.mark.parametrize(
    ("body", "seconds", "wanted"),
    [
        pytest.param(
            pod("p", container(ready=True, running=RUNNING), ready=True), 100, Wish(), id="a ready pod"
        ),
        pytest.param(pod("p", scheduled="0/1 nodes"), 100, Wish(), id="its status says all"),
        pytest.param(FETCHING, 1, Wish(after=1), id="a download that has just begun"),
        pytest.param(FETCHING, 3, Wish(("storage-initializer",), after=LEAST), id="a download"),
        pytest.param(LOADING, 1, Wish(after=3), id="a server that has just started"),
        pytest.param(
            LOADING, 5, Wish(("kserve-container",), after=LEAST), id="a server that does not answer"
        ),
        pytest.param(LOADING, 40, Wish(("kserve-container",), after=10), id="… for a while"),
        pytest.param(LOADING, 9999, Wish(("kserve-container",), after=MOST), id="… for hours"),
        pytest.param(CREATING, 4, Wish(after=4), id="containers are being made"),
        pytest.param(CREATING, 9, Wish(events=True, after=LEAST), id="containers are not made"),
    ],
)
def test_what_is_asked_for_follows_from_the_state_and_its_age(
    body: Any, seconds: float, wanted: Wish
) -> None:
    assert wish(Pod(body), BEGIN + timedelta(seconds=seconds), None) == wanted


def test_what_was_read_a_moment_ago_is_not_read_again() -> None:
    now = BEGIN + timedelta(seconds=10)

    assert wish(Pod(LOADING), now, now - timedelta(seconds=1)) == Wish(after=LEAST - 1)
