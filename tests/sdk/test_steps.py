"""A transformer whose predictor goes wrong: the right status, a sentence with the step, and nothing left behind."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2 as pb

from tests.sdk.predictors import Wrong, refusing_port, wrong_predictor
from tests.sdk.process import Running, program, until

PROGRAM = "through.py"


@pytest.fixture(scope="module")
def wrong() -> Iterator[Wrong]:
    with wrong_predictor() as running:
        yield running


@pytest.fixture(scope="module")
def transformer(wrong: Wrong) -> Iterator[Running]:
    with program(
        PROGRAM, f"--predictor_host=127.0.0.1:{wrong.port}", "--max_request_bytes=100000"
    ) as running:
        yield running


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        pytest.param("400", 400, {"error": "four values a row", "code": "invalid_input"}, id="400"),
        pytest.param("404", 404, b"<html>nothing here</html>", id="404 that is no JSON"),
        pytest.param("413", 413, {"error": "too much"}, id="413"),
        pytest.param("500", 500, {"error": "the model broke"}, id="500"),
        pytest.param("503", 503, {"error": "still loading"}, id="503"),
    ],
)
def test_the_predictors_own_refusal_is_passed_on(
    transformer: Running, kind: str, status: int, body: Any
) -> None:
    given, said, headers = transformer.predict("m", [[1]], x_request_id=kind)

    assert (given, said) == (status, body)
    assert (headers["error-step"], headers["retry-after"]) == ("predictor", "7")


@pytest.mark.parametrize(
    ("kind", "status", "code", "words"),
    [
        pytest.param("text", 502, "step_broken", "no usable answer", id="an answer that is no JSON"),
        pytest.param("cut json", 502, "step_broken", "no usable answer", id="an answer that is half a JSON"),
        pytest.param("half", 502, "step_broken", "no usable answer", id="half a response"),
        pytest.param("gone", 502, "step_broken", "no usable answer", id="a closed connection"),
        pytest.param("not http", 502, "step_broken", "no usable answer", id="another protocol"),
    ],
)
def test_a_predictor_that_gives_no_answer_is_named(
    transformer: Running, wrong: Wrong, kind: str, status: int, code: str, words: str
) -> None:
    given, said, headers = transformer.predict("m", [[1]], x_request_id=kind)

    assert (given, said["code"], said["step"], headers["error-step"]) == (
        status,
        code,
        "predictor",
        "predictor",
    )
    assert f"the predictor at 127.0.0.1:{wrong.port}" in said["error"]
    assert words in said["error"]


def test_a_predictor_that_is_too_slow_is_a_504(wrong: Wrong) -> None:
    flags = (f"--predictor_host=127.0.0.1:{wrong.port}", "--predictor_request_timeout_seconds=0.3")
    with program(PROGRAM, *flags) as transformer:
        status, said, headers = transformer.predict("m", [[1]], x_request_id="slow")

    assert (status, said["code"], headers["error-step"]) == (504, "step_too_slow", "predictor")
    assert f"the predictor at 127.0.0.1:{wrong.port} did not answer within 0.3 seconds" in said["error"]
    assert wrong.came.acquire(timeout=60)
    assert wrong.hung_up.acquire(timeout=60)


def test_a_predictor_that_is_down_is_a_503_that_may_be_tried_again() -> None:
    port = refusing_port()
    with program(
        PROGRAM, f"--predictor_host=127.0.0.1:{port}", "--predictor_request_retries=2"
    ) as transformer:
        status, said, headers = transformer.predict("m", [[1]])

        assert (status, said["code"], headers["retry-after"]) == (503, "step_unreachable", "1")
        assert f"the predictor at 127.0.0.1:{port} cannot be reached" in said["error"]
        assert transformer.ask("/v2/health/live")[0] == 200


def test_a_connection_that_never_came_about_is_tried_again(wrong: Wrong) -> None:
    late = refusing_port()

    def forward(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"predictions": [1]}')

    with (
        program(
            PROGRAM, f"--predictor_host=127.0.0.1:{late}", "--predictor_request_retries=20"
        ) as transformer,
        socket.socket() as listener,
    ):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        answers: list[Any] = []
        asking = threading.Thread(target=lambda: answers.append(transformer.predict("m", [[1]])))
        asking.start()
        listener.bind(("127.0.0.1", late))
        listener.listen()
        forward(listener)
        asking.join(60)

    assert answers[0][:2] == (200, {"predictions": [1]})


def test_a_body_that_is_too_large_never_reaches_the_predictor(transformer: Running, wrong: Wrong) -> None:
    before = len(wrong.heads)

    status, said, _ = transformer.ask("/v1/models/m:predict", b"[" + b"1," * 60000 + b"1]")

    assert (status, said["code"]) == (413, "request_too_large")
    assert len(wrong.heads) == before


def test_a_body_that_is_no_json_never_reaches_the_predictor(transformer: Running, wrong: Wrong) -> None:
    before = len(wrong.heads)

    status, said, _ = transformer.ask("/v1/models/m:predict", b"{not json")

    assert (status, said["code"]) == (400, "invalid_json")
    assert len(wrong.heads) == before


def test_the_trace_and_the_chosen_headers_go_on_to_the_predictor(wrong: Wrong) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    env = {"KSERVE_LITE_FORWARD_HEADERS": "X-Tenant, x-other"}
    with program(PROGRAM, f"--predictor_host=127.0.0.1:{wrong.port}", **env) as transformer:
        transformer.predict(
            "m",
            [[1]],
            traceparent=trace,
            x_tenant="t1",
            authorization="Bearer 1",
            cookie="secret",
            x_request_id="good",
        )
    head = wrong.heads[-1]

    assert (head["x-tenant"], head["authorization"], head["x-request-id"]) == ("t1", "Bearer 1", "good")
    assert head["traceparent"].split("-")[1] == trace.split("-")[1]
    assert "cookie" not in head


def test_connections_to_the_predictor_are_used_again(transformer: Running, wrong: Wrong) -> None:
    transformer.predict("m", [[1]])
    before = wrong.connections

    for _ in range(20):
        assert transformer.predict("m", [[1]])[0] == 200

    assert wrong.connections == before


def test_a_failed_step_is_counted_by_name(transformer: Running) -> None:
    transformer.predict("m", [[1]], x_request_id="half")

    _, text, _ = transformer.ask("/metrics")

    assert b'kserve_lite_step_failures_total{code="step_broken",step="predictor"}' in text


def test_an_explanation_passes_by_the_transformers_hooks(predictor: Running) -> None:
    rows = [[51.0, 35.0, 14.0, 2.0], [67.0, 30.0, 52.0, 23.0]]
    host = f"127.0.0.1:{predictor.port}"
    with program(
        "-m kserve_lite_server.explain", f"--predictor_host={host}", "--predictor_protocol=v2"
    ) as explainer:
        env = {"KSERVE_LITE_EXPLAINER_HOST": f"127.0.0.1:{explainer.port}"}
        with program("scaler.py", f"--predictor_host={host}", **env) as scaler:
            status, said, _ = scaler.ask("/v1/models/m:explain", {"instances": rows})
            direct = explainer.ask("/v1/models/m:explain", {"instances": rows})

    assert (status, said) == direct[:2]
    assert status == 200


def test_a_client_that_goes_away_cancels_the_call_of_the_predictor(wrong: Wrong) -> None:
    with program(PROGRAM, f"--predictor_host=127.0.0.1:{wrong.port}") as transformer:
        connection = begin(transformer)
        assert wrong.came.acquire(timeout=60)
        connection.close()

        assert wrong.hung_up.acquire(timeout=60)
        until(lambda: in_flight(transformer) == 1)  # the question itself


@pytest.mark.slow
def test_ten_thousand_clients_that_go_away_leave_nothing_behind(wrong: Wrong) -> None:
    with program(PROGRAM, f"--predictor_host=127.0.0.1:{wrong.port}") as transformer:
        for _ in range(100):
            opened = [begin(transformer) for _ in range(100)]
            for _ in opened:
                assert wrong.came.acquire(timeout=60)
            for connection in opened:
                connection.close()
            for _ in opened:
                assert wrong.hung_up.acquire(timeout=60)
        until(lambda: in_flight(transformer) == 1)
        status, tasks, _ = transformer.ask("/tasks")

        assert transformer.predict("m", [[1]])[0] == 200
        assert status == 200
        assert tasks["tasks"] < 10


def test_over_grpc_a_predictor_that_is_down_or_no_grpc_server_has_the_right_code(wrong: Wrong) -> None:
    found = {}
    for name, port in (("down", refusing_port()), ("rest", wrong.port)):
        flags = (f"--predictor_host=127.0.0.1:{port}", "--predictor_protocol=grpc-v2")
        with program(PROGRAM, *flags, "--predictor_request_timeout_seconds=60") as transformer:
            found[name] = refusal(transformer)
            tensor = {"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [1]}
            status, said, _ = transformer.ask("/v2/models/m/infer", {"inputs": [tensor]})
            found[f"{name} from REST"] = (status, said["code"], said["step"])

    assert found["down"] == (grpc.StatusCode.UNAVAILABLE, "step_unreachable")
    assert found["down from REST"] == (503, "step_unreachable", "predictor")
    assert found["rest"] == (grpc.StatusCode.UNAVAILABLE, "step_broken")
    assert found["rest from REST"] == (502, "step_broken", "predictor")


def test_over_grpc_the_predictors_refusal_keeps_its_code_and_sentence(predictor: Running) -> None:
    flags = (f"--predictor_host=127.0.0.1:{predictor.grpc_port}", "--predictor_protocol=grpc-v2")
    with program(PROGRAM, *flags) as transformer:
        tensor = {"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}
        status, said, _ = transformer.ask("/v2/models/m/infer", {"inputs": [tensor]})
        code, error = refusal(transformer, columns=3)

    assert (status, said["code"]) == (400, "invalid_input")
    assert "features" in said["error"]
    assert (code, error) == (grpc.StatusCode.INVALID_ARGUMENT, "invalid_input")


def refusal(running: Running, columns: int = 1) -> tuple[grpc.StatusCode, str]:
    """Code and error code of a call that fails."""
    message = pb.ModelInferRequest(model_name="m")
    tensor = message.inputs.add(name="x", datatype="FP64", shape=[1, columns])
    tensor.contents.fp64_contents.extend([1.0] * columns)
    with grpc.insecure_channel(f"127.0.0.1:{running.grpc_port}") as channel:
        call = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelInferResponse.FromString,
        )
        with pytest.raises(grpc.RpcError) as refused:
            call(message, timeout=60)
    trailer = dict(refused.value.trailing_metadata())
    return refused.value.code(), trailer.get("error-code", "")


def begin(running: Running) -> socket.socket:
    """Send a request that the predictor will never answer."""
    connection = socket.create_connection(("127.0.0.1", running.port), timeout=60)
    body = b'{"instances": [[1]]}'
    connection.sendall(
        b"POST /v1/models/m:predict HTTP/1.1\r\nhost: x\r\nx-request-id: slow\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
    return connection


def in_flight(running: Running) -> float:
    _, text, _ = running.ask("/metrics")
    line = next(x for x in text.decode().splitlines() if x.startswith("kserve_lite_requests_in_flight"))
    return float(line.split()[-1])
