"""A few services at a time take what is new; who fails keeps the place."""

from __future__ import annotations

from typing import Any

from kserve_lite.controller.inferenceservice.stages import Stages
from kserve_lite.controller.runtime.kube import Key

A, B, C, D = (Key("ns", name) for name in "abcd")


def service(key: Key, active: str, target: str) -> dict[str, Any]:
    states = {"activeModelState": active, "targetModelState": target}
    meta = {"namespace": key.namespace, "name": key.name}
    return {"metadata": meta, "status": {"modelStatus": {"states": states}}}


def test_the_next_is_woken_when_one_is_done_in_the_order_of_asking() -> None:
    woken: list[Key] = []
    stages = Stages(2, [], woken.append)

    assert [stages.enter(key) for key in (A, B, C, D, A, D)] == [True, True, False, False, True, False]
    stages.leave(B)
    assert woken == [C]
    assert stages.enter(C)
    stages.leave(A)
    assert woken == [C, D]


def test_who_waits_keeps_waiting_while_its_old_pods_answer_and_is_passed_over_when_it_withdraws() -> None:
    woken: list[Key] = []
    stages = Stages(1, [], woken.append)
    for key in (A, B, C):
        stages.enter(key)

    stages.leave(B)
    assert woken == []
    stages.withdraw(B)
    stages.leave(A)
    assert woken == [C]


def test_after_a_restart_who_is_in_the_middle_of_new_pods_has_a_place_and_a_new_service_none() -> None:
    present = [
        service(A, "Loaded", "FailedToLoad"),
        service(B, "Pending", "Pending"),
        service(C, "Loaded", "Loaded"),
    ]
    stages = Stages(1, present)

    assert not stages.enter(C)
    assert stages.enter(A)
