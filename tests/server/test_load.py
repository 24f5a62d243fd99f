"""A slow model: probes stay fast, the end waits for it, a port is free again."""

import itertools
import re
import statistics
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


PROBES = ("/v2/health/live", "/v2/health/ready", "/v2/models/slow/ready", "/metrics")


def test_health_and_metrics_answer_within_50_ms_while_a_slow_predict_runs(server: Server) -> None:
    assert_probes_are_fast(server, 1)


def test_probes_of_two_workers_are_fast_while_both_run_a_slow_predict(tmp_path: Path) -> None:
    save(slow(), tmp_path / "slow")
    with serving(tmp_path, "--workers=2") as server:
        until(lambda: server.log().count("serving slow on") == 2)
        assert_probes_are_fast(server, 6)


def assert_probes_are_fast(server: Server, count: int) -> None:
    """Ask a 3 s model so many times at once, and every probe meanwhile: each answers fast, and all are answered."""
    asked = [in_background(seconds(server, 3)) for _ in range(count)]
    loops = [str(server.process.pid), *re.findall(r"worker (\d+) began", server.log()), "thread-self"]
    took: dict[str, list[float]] = {probe: [] for probe in PROBES}
    while any(thread.is_alive() for thread, _ in asked):
        for probe, times in took.items():
            started, waited = time.perf_counter(), waited_for_a_processor(loops)
            assert server.get(probe).status == 200
            times.append(time.perf_counter() - started - (waited_for_a_processor(loops) - waited))
        time.sleep(0.05)
    for thread, _ in asked:
        thread.join()

    assert [replies[0].status for _, replies in asked] == [200] * count
    for times in took.values():
        assert len(times) > 5
        assert statistics.median(times) < 0.05, took
    together = sorted(itertools.chain.from_iterable(took.values()))
    assert together[len(together) * 9 // 10] < 0.05, took


def waited_for_a_processor(threads: list[str]) -> float:
    """Seconds that threads were ready to run while the machine ran something else: not the server's own doing."""
    return sum(int(Path(f"/proc/{thread}/schedstat").read_text().split()[1]) for thread in threads) / 1e9


@pytest.mark.parametrize("workers", [1, 2])
def test_a_running_request_is_answered_before_the_process_ends_with_0(tmp_path: Path, workers: int) -> None:
    save(slow(), tmp_path)
    flags = ("--model_name=slow", f"--workers={workers}")
    with serving(tmp_path, *flags, env={"SLOW_PLACE": str(tmp_path)}) as server:
        until(lambda: server.log().count("serving slow on") == workers)
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
