"""`kserve-lite plan` against a real API server says what applying then does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.cli import main
from tests.apiserver.serving import Namespace, controlling, isvc, settled, until


async def test_a_plan_names_what_is_created_changed_restarted_and_deleted(
    kubeconfig: Path, here: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def planned(service: dict[str, Any], *options: str, code: int = 0) -> str:
        file = tmp_path / "isvc.json"
        file.write_text(json.dumps(service))
        options = ("--namespace", here.name, "--kubeconfig", str(kubeconfig), *options)
        assert main(["plan", str(file), *options]) == code
        return capsys.readouterr().out

    assert "(new)" in (first := await asyncio.to_thread(planned, isvc()))
    assert "3 to create, 0 to change, 0 to delete; 0 restart; 0 refused" in first

    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc())
        await until(lambda: here.names("deployments"))
        await settled(process)

        same = await asyncio.to_thread(planned, isvc())
        assert "0 to create, 0 to change, 0 to delete; 0 restart; 0 refused" in same

        wider = await asyncio.to_thread(planned, isvc(minReplicas=2))
        assert "+ PodDisruptionBudget iris-predictor" in wider
        assert "spec.replicas: 1 → 2" in wider
        assert "1 to create, 1 to change, 0 to delete; 0 restart; 0 refused" in wider

        told = await asyncio.to_thread(planned, isvc(nodeSelector={"disk": "ssd"}), "--output", "json")
        (one,) = json.loads(told)
        assert [c["name"] for c in one["changes"] if c["restarts"]] == ["iris-predictor"]

        stopped = isvc()
        stopped["metadata"]["annotations"] = {"serving.kserve.io/stop": "true"}
        assert "3 to delete" in await asyncio.to_thread(planned, stopped)

        wrong = await asyncio.to_thread(planned, isvc("other", uri="ftp://x/y"), code=1)
        assert "refused" in wrong
