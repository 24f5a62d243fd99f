"""REST and gRPC on one port: each client finds its own server, whatever the bytes' order of arrival."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http

from kserve_lite.local import ports
from kserve_lite_server.http.one_port import PREFACE
from tests.server.models import IRIS, iris, save, scaler, slow
from tests.server.process import Server, refused, serving, until
from tests.server.rpc.client import Both, Input, grpc_port, request, tensors

pytestmark = pytest.mark.slow

PREDICT = (
    b"POST /v1/models/iris:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
)
BODY = b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}'
ROW = request("iris", [Input("x", "FP64", IRIS.data[:1])], raw=True)


def one_port(port: int) -> list[str]:
    return ["--enable_grpc=true", f"--http_port={port}", f"--grpc_port={port}"]


@contextmanager
def on_one_port(folder: Path, *flags: str, **more: Any) -> Iterator[Both]:
    """Start a server with both protocols on one port, and a gRPC channel to it."""
    with serving(folder, *one_port(ports.free(1)[0]), *flags, **more) as server:
        until(lambda: "serving gRPC on" in server.log())
        assert grpc_port(server) == server.port
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield Both(server, channel, server.port)


@pytest.fixture(scope="module")
def shared(pair: Path) -> Iterator[Both]:
    with on_one_port(pair) as running:
        yield running


def asked(kind: Any, port: int, model: str, rows: np.ndarray) -> np.ndarray:
    """What one of Triton's clients is answered; `kind` is its module."""
    tensor = kind.InferInput("x", list(rows.shape), "FP64")
    tensor.set_data_from_numpy(rows)
    with kind.InferenceServerClient(f"127.0.0.1:{port}") as client:
        assert client.is_server_ready()
        assert client.is_model_ready(model)
        answer: np.ndarray = client.infer(model, [tensor]).as_numpy("output-0")
        return answer


@pytest.mark.parametrize("kind", [tritonclient.grpc, tritonclient.http], ids=["grpc", "http"])
@pytest.mark.parametrize("rows", [1, 150, 300_000])
def test_tritons_clients_are_answered_with_one_row_and_with_megabytes(
    shared: Both, kind: Any, rows: int
) -> None:
    given = np.resize(IRIS.data, (rows, 4))

    answer = asked(kind, shared.port, "scaler", given)

    assert np.array_equal(answer, scaler().transform(given))


@pytest.mark.parametrize("workers", [1, 2])
def test_every_worker_answers_both(tmp_path: Path, workers: int) -> None:
    save(iris(), tmp_path / "iris")
    with on_one_port(tmp_path, f"--workers={workers}") as running:
        until(lambda: running.rest.log().count("serving gRPC on") == workers)
        answered = set()
        for _ in range(20):  # a connection each, so that both workers are asked
            options = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.insecure_channel(f"127.0.0.1:{running.port}", options) as channel:
                fresh = Both(running.rest, channel, running.port)
                answered.add(tuple(tensors(fresh.infer(ROW))["output-0"][2]))
            answered.add(tuple(running.rest.post("/v1/models/iris:predict", BODY).json["predictions"]))

        assert answered == {(0,)}


def test_first_bytes_may_come_one_by_one(shared: Both) -> None:
    rest = PREDICT % (len(BODY), BODY)
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"  # HTTP/2's first frame, empty

    assert trickle(shared.rest, rest, 3).startswith(b"HTTP/1.1 200")
    assert trickle(shared.rest, PREFACE + settings, len(PREFACE))[3:4] == b"\x04"  # SETTINGS too


def trickle(server: Server, data: bytes, count: int) -> bytes:
    """Send the first bytes each in a packet of its own; what comes back first."""
    with server.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for position in range(count):
            connection.sendall(data[position : position + 1])
        connection.sendall(data[count:])
        return connection.recv(65536)


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", id="nearly HTTP/2"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"NONSENSE\r\n\r\n", id="nothing"),
    ],
)
def test_what_is_neither_is_told_so_over_http(shared: Both, noise: bytes) -> None:
    with shared.rest.connect() as connection:
        connection.sendall(noise)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400")


def test_connections_that_are_left_leave_nothing_behind(shared: Both) -> None:
    files = Path(f"/proc/{shared.rest.process.pid}/fd")
    assert tensors(shared.infer(ROW))["output-0"][2] == [0]
    before = len(os.listdir(files))
    left = [shared.rest.connect() for _ in range(60)]
    for number, connection in enumerate(left):
        connection.sendall((b"", b"PRI", PREFACE)[number % 3])
    until(lambda: len(os.listdir(files)) >= before + 60)
    for connection in left:
        connection.close()

    until(lambda: len(os.listdir(files)) <= before)
    assert tensors(shared.infer(ROW))["output-0"][2] == [0]


def test_the_end_waits_for_a_call_and_for_no_silent_connection(tmp_path: Path) -> None:
    save(slow(), tmp_path / "slow")
    hang = request("slow", [Input("x", "FP64", np.array([[-1.0]]))], raw=True)
    with on_one_port(tmp_path, env={"SLOW_PLACE": str(tmp_path)}) as running:
        silent = [running.rest.connect() for _ in range(3)]
        silent[1].sendall(b"PR")
        call = running.stub.ModelInfer.future(hang, timeout=60)
        until((tmp_path / "begun").exists)

        running.rest.process.terminate()

        until(lambda: running.rest.get("/v2/health/ready").status == 503)
        assert not call.done()
        release = threading.Timer(0.2, (tmp_path / "go").touch)
        release.start()
        assert tensors(call.result())["output-0"][2] == [0]
        assert running.rest.process.wait(10) == 0
        assert "did not end" not in running.rest.log()
        for connection in silent:
            connection.close()


def test_a_call_that_does_not_end_in_time_is_cut_off_and_the_status_says_so(tmp_path: Path) -> None:
    save(slow(), tmp_path / "slow")
    hang = request("slow", [Input("x", "FP64", np.array([[-1.0]]))], raw=True)
    with on_one_port(tmp_path, "--drain_timeout=0.3", env={"SLOW_PLACE": str(tmp_path)}) as running:
        call = running.stub.ModelInfer.future(hang, timeout=60)
        until((tmp_path / "begun").exists)

        assert running.rest.stop(timeout=15) == 1
        assert call.exception(10) is not None
        assert "did not end within --drain_timeout" in running.rest.log()


def test_tls_is_refused_where_rest_has_the_port(tmp_path: Path) -> None:
    status, said = refused(
        f"--model_dir={tmp_path}", *one_port(ports.free(1)[0]), "--grpc_tls_cert=a", "--grpc_tls_key=b"
    )

    assert status == 1
    assert "give gRPC a port of its own" in said
    assert "[one_port_in_plain_text]" in said
