"""A slow model: probes stay fast, the end waits for it, a port is free again."""

import itertools
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.server.models import save, slow
from tests.server.process import Reply, Server, refused, serving, until

pytestmark = pytest.mark.slow


def in_background(ask: Any) -> tuple[threading.Thread, list[Reply]]:
    replies: list[Reply] = []
    thread = threading.Thread(target=lambda: replies.append(ask()))
    thread.start()
    return thread, replies


def seconds(server: Server, n: float) -> Any:
    return lambda: server.post("/v1/models/slow:predict", {"instances": [[n]]})


def test_health_and_metrics_answer_within_50_ms_while_a_slow_predict_runs(server: Server) -> None:
    thread, replies = in_background(seconds(server, 3))
    probes = itertools.cycle(["/v2/health/live", "/v2/health/ready", "/v2/models/slow/ready", "/metrics"])
    took = []
    while thread.is_alive():
        started = time.perf_counter()
        assert server.get(next(probes)).status == 200
        took.append(time.perf_counter() - started)
        time.sleep(0.05)
    thread.join()

    assert replies[0].status == 200
    assert len(took) > 20
    assert sorted(took)[len(took) * 9 // 10] < 0.05, took


def test_a_running_request_is_answered_before_the_process_ends_with_0(tmp_path: Path) -> None:
    save(slow(), tmp_path)
    with serving(tmp_path, "--model_name=slow", env={"SLOW_PLACE": str(tmp_path)}) as server:
        thread, replies = in_background(seconds(server, -1))
        until((tmp_path / "begun").exists)
        server.process.terminate()
        until(lambda: server.get("/v2/health/ready").status == 503)
        assert server.get("/v2/health/live").status == 200
        (tmp_path / "go").touch()
        thread.join()
        status = server.process.wait(10)

        assert (replies[0].status, status) == (200, 0)

        with serving(tmp_path, "--model_name=slow", f"--http_port={server.port}") as second:
            assert second.port == server.port
            assert second.get("/v2/health/ready").status == 200


def test_a_port_in_use_is_said_at_once(tmp_path: Path, server: Server) -> None:
    save(slow(), tmp_path)

    status, text = refused(f"--model_dir={tmp_path}", "--host=127.0.0.1", f"--http_port={server.port}")

    assert status == 1
    assert f"port {server.port} is in use" in text
