"""The life of a release: installed on nothing, upgraded and rolled back under load, removed, and installed again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e import models
from tests.e2e.client import Client, Load
from tests.e2e.models import QUESTIONS
from tests.releases.conftest import NAME, PLACE, Session
from tools.cache import CLONE

WaitFor = Callable[..., Any]

CHART = CLONE / "charts" / "kserve-lite"
EARLIER = CLONE / "tests" / "chart" / "fixtures" / "kserve-lite-0.0.9.tgz"
URL = f"http://iris.{PLACE}.svc.cluster.local/v1/models/iris:predict"
QUESTION, ANSWER = QUESTIONS["iris"]
MODEL = f"oci+native://{models.REFERENCE}"
IRIS = ("--set", f"models.iris.storageUri={MODEL}")
KEPT = ("--set", f"models.kept.storageUri={MODEL}", "--set", "models.kept.keep=true")
WAIT = ("--namespace", PLACE, "--wait", "--timeout", "180s")


def install(session: Session, chart: Path, *options: str) -> None:
    session.helm("install", NAME, chart, *WAIT, "--create-namespace", *options)


def answers(client: Client) -> bool:
    return bool(client.post(URL, {"instances": QUESTION}) == [200, {"predictions": ANSWER}])


def test_one_install_on_an_empty_cluster_is_an_answer_within_a_minute(
    session: Session, client: Client, wait_for: WaitFor
) -> None:
    began = time.monotonic()
    install(session, CHART, *IRIS)
    wait_for(lambda: answers(client))
    took = time.monotonic() - began
    print(f"\n{session.helm.program}: an answer {took:.1f} s after helm install began")
    assert took <= 60
    session.helm("test", NAME, "--namespace", PLACE, "--timeout", "60s")


def test_an_upgrade_and_its_rollback_change_the_crds_and_disturb_no_model(
    session: Session, client: Client, wait_for: WaitFor
) -> None:
    install(session, EARLIER, *IRIS, "--set", "crds.upgrade.enabled=false")
    assert session.crd_versions() == {"0.0.9"}
    wait_for(lambda: answers(client))
    before = session.model_pods()
    assert list(before.values()) == [0]

    with Load(client, URL, {"instances": QUESTION}) as load:
        wait_for(lambda: load.answered() > 0)
        session.helm(
            *("upgrade", NAME, CHART, *WAIT, "--reset-then-reuse-values"),
            *("--set", "crds.upgrade.enabled=true", "--set", "controller.logLevel=debug"),
        )
        upgraded = session.model_pods()
        session.helm("rollback", NAME, "1", *WAIT)
        said = load.stop()

    assert session.crd_versions() == {"0.1.0"}
    assert upgraded == before
    assert session.model_pods() == before
    assert said["failed"] == []
    assert said["ok"] > 100
    print(f"\n{session.helm.program}: {said['ok']} requests through upgrade and rollback, none failed")


def test_an_uninstall_without_a_controller_ends_and_a_new_install_takes_over_what_was_kept(
    session: Session, client: Client, wait_for: WaitFor
) -> None:
    install(session, CHART, *IRIS, *KEPT)
    by_hand = {**session.services()["iris"], "metadata": {"name": "by-hand", "namespace": PLACE}}
    by_hand.pop("status", None)
    session.kubectl("create", "--filename=-", stdin=json.dumps(by_hand))
    kept = session.services()["kept"]["metadata"]["uid"]
    controller = f"deployment/{NAME}"
    session.kubectl("scale", controller, f"--namespace={PLACE}", "--replicas=0", "--timeout=60s")

    began = time.monotonic()
    session.helm("uninstall", NAME, "--namespace", PLACE, "--wait", "--timeout", "30s")
    took = time.monotonic() - began
    print(f"\n{session.helm.program}: uninstalled without a controller in {took:.1f} s")

    assert took <= 30
    assert set(session.services()) == {"kept", "by-hand"}
    assert session.crd_versions() == {"0.1.0"}

    install(session, CHART, *IRIS, *KEPT)
    wait_for(lambda: answers(client))
    assert set(session.services()) == {"iris", "kept", "by-hand"}
    assert session.services()["kept"]["metadata"]["uid"] == kept
