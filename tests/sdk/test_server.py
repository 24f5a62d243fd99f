"""ModelServer: hooks of every kind, errors, streams, routes and metrics of the program's own, and its end."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tritonclient import grpc as triton

from tests.sdk.process import Running, program, until


@pytest.fixture(scope="module")
def everything() -> Iterator[Running]:
    with program("everything.py", "--request_timeout=20", "--max_queue_size=2") as running:
        yield running


def test_probes_are_answered_while_a_plain_hook_is_slow(everything: Running) -> None:
    answers: list[Any] = []
    asking = threading.Thread(
        target=lambda: answers.append(everything.ask("/v1/models/slow:predict", {"seconds": 3}))
    )
    asking.start()
    until(lambda: in_flight(everything) >= 2)  # it, and the question

    assert everything.ask("/v2/health/ready")[0] == 200
    assert answers == []
    asking.join()
    assert answers[0][0] == 200


def test_plain_hooks_run_one_at_a_time_and_too_many_waiting_are_refused(everything: Running) -> None:
    answers: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(everything.ask("/v1/models/slow:predict", {"seconds": 1})[:2])
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    good = [body for status, body in answers if status == 200]
    assert {body["at once"] for body in good} == {1}
    assert {status for status, _ in answers} == {200, 429}


def test_more_threads_run_more_plain_hooks_at_once() -> None:
    with program("everything.py", "--workers=3") as running:
        answers: list[Any] = []
        threads = [
            threading.Thread(
                target=lambda: answers.append(running.ask("/v1/models/slow:predict", {"seconds": 2})[1])
            )
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert max(body["at once"] for body in answers) > 1


@pytest.mark.parametrize(
    ("kind", "status", "code", "words"),
    [
        pytest.param("invalid", 400, "invalid_input", "four values a row", id="InvalidInput"),
        pytest.param("inference", 500, "model_failed", "the model broke", id="InferenceError"),
        pytest.param("unready", 503, "model_not_ready", "is not ready. wait", id="ModelNotReady"),
        pytest.param("unforeseen", 500, "model_failed", "failed in predict (KeyError)", id="any other"),
    ],
)
def test_what_a_hook_raises_becomes_its_status(
    everything: Running, kind: str, status: int, code: str, words: str
) -> None:
    given, said, _ = everything.ask("/v1/models/failing:predict", {"kind": kind})

    assert (given, said["code"]) == (status, code)
    assert words in said["error"]
    assert "hunter2" not in said["error"]


def test_a_stream_is_sent_as_it_is_made(everything: Running) -> None:
    status, body, headers = everything.ask("/v1/models/streaming:predict", {})

    assert (status, headers["content-type"]) == (200, "text/event-stream")
    assert body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_bytes_go_to_the_model_as_they_are_and_headers_too(everything: Running) -> None:
    raw = everything.ask("/v1/models/plain:predict", b"abc", Content_Type="application/octet-stream")
    said = everything.ask("/v1/models/plain:predict", {"a": 1}, X_T="7")

    assert raw[:2] == (200, b"ABC")
    assert said[:2] == (200, {"got": {"a": 1}, "tenant": "7"})


def test_routes_and_metrics_of_the_program_are_served(everything: Running) -> None:
    assert everything.ask("/features/k-1?full=1")[:2] == (200, {"key": "k-1", "query": {"full": "1"}})
    assert everything.ask("/fails", {})[:2] == (400, {"error": "not like this", "code": "invalid_input"})
    everything.ask("/v1/models/plain:predict", {})
    assert b"own_requests_total" in everything.ask("/metrics")[1]


def test_metadata_health_and_unknown_names(everything: Running) -> None:
    assert everything.ask("/v2/models/plain")[1]["inputs"] == [
        {"name": "x", "datatype": "FP64", "shape": [-1, 2]}
    ]
    assert everything.ask("/v1/models")[1] == {"models": ["slow", "failing", "streaming", "plain"]}
    assert everything.ask("/v1/models/nope:predict", {})[1]["code"] == "model_not_found"
    assert everything.ask("/v2/models/plain/versions/1/ready")[1]["code"] == "version_not_found"


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        pytest.param(
            {"name": "x", "shape": [2], "datatype": "FP64", "data": [1]}, "its data has 1", id="count"
        ),
        pytest.param({"name": "x", "shape": [1], "datatype": "FP65", "data": [1]}, "FP65", id="datatype"),
        pytest.param({"name": "x", "shape": [1], "datatype": "FP64"}, 'needs "data"', id="no data"),
        pytest.param({"shape": [1], "datatype": "FP64", "data": [1]}, "needs a name", id="no name"),
    ],
)
def test_a_wrong_tensor_is_a_400_that_says_what_is_wrong(
    everything: Running, tensor: Any, words: str
) -> None:
    status, said, _ = everything.ask("/v2/models/plain/infer", {"inputs": [tensor]})

    assert status == 400
    assert words in said["error"]


def test_a_model_is_unloaded_and_its_name_is_gone() -> None:
    with program("everything.py") as running:
        assert running.ask("/v2/repository/models/plain/unload", b"")[:2] == (
            200,
            {"name": "plain", "unload": True},
        )
        assert running.ask("/v1/models/plain:predict", {})[0] == 404
        assert running.ask("/v2/repository/models/slow/load", b"")[:2] == (
            200,
            {"name": "slow", "load": True},
        )


def test_sigterm_lets_a_running_request_finish() -> None:
    with program("everything.py") as running:
        answers: list[Any] = []
        asking = threading.Thread(
            target=lambda: answers.append(running.ask("/v1/models/slow:predict", {"seconds": 2}))
        )
        asking.start()
        until(lambda: in_flight(running) >= 2)

        assert running.end() == 0
        asking.join()
        assert answers[0][0] == 200


def test_a_server_without_a_ready_model_ends_with_the_reason() -> None:
    code = "from kserve import Model, ModelServer; ModelServer(http_port=0, enable_grpc=False).start([Model('m')])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "None of the models is ready: m." in done.stderr


def in_flight(running: Running) -> float:
    text = running.ask("/metrics")[1].decode()
    line = next(x for x in text.splitlines() if x.startswith("kserve_lite_requests_in_flight"))
    return float(line.split()[-1])


def test_rest_and_grpc_share_a_port_when_told_to() -> None:
    with program("everything.py", one_port=True) as running:
        assert running.ask("/v2/health/live")[0] == 200
        with triton.InferenceServerClient(f"127.0.0.1:{running.port}") as client:
            assert client.is_server_live()
            assert client.is_model_ready("slow")
        assert running.end() == 0
