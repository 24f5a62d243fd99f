"""Calls that no gRPC client of the usual kind makes: each is answered, or refused by its name."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb

from kserve_lite_server.grpc.status import Code
from tests.server.models import IRIS, iris, save, scaler, slow
from tests.server.process import until
from tests.server.rpc.client import Both, Input, both, request, tensors
from tests.server.rpc.wire import EMPTY, INFER, LIVE, Wire, framed, headers, wire

pytestmark = pytest.mark.slow

ROW = request("iris", [Input("x", "FP64", IRIS.data[:1])], raw=True, id="r").SerializeToString()


@pytest.fixture
def client(served: Both) -> Iterator[Wire]:
    with wire(served.port) as opened:
        yield opened


def labels(data: bytes) -> Any:
    return tensors(pb.ModelInferResponse.FromString(data))["output-0"][2]


def test_a_call_without_te_is_answered(client: Wire) -> None:
    got = client.call(INFER, framed(ROW), te="")

    assert (got.headers[":status"], got.status, labels(got.message)) == ("200", 0, [0])


@pytest.mark.parametrize(
    ("named", "status"),
    [
        pytest.param({":method": "GET"}, "405", id="GET"),
        pytest.param({"content_type": "application/json"}, "415", id="JSON"),
        pytest.param({"content_type": "application/grpc-web"}, "415", id="gRPC-web"),
        pytest.param({"content_type": ""}, "415", id="no content type"),
    ],
)
def test_what_is_no_call_is_answered_by_a_status_of_http(
    client: Wire, named: dict[str, str], status: str
) -> None:
    got = client.call(LIVE, EMPTY, **named)

    assert got.headers[":status"] == status
    assert client.call(LIVE, EMPTY).status == 0


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_a_compressed_message_is_answered_as_a_plain_one(client: Wire, encoding: str) -> None:
    squeeze = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}[encoding]
    message = framed(squeeze(ROW), int(encoding != "identity"))

    got = client.call(INFER, message, grpc_encoding=encoding)

    assert got.data == client.call(INFER, framed(ROW)).data
    assert got.status == 0


@pytest.mark.parametrize(
    ("data", "named", "code", "sentence"),
    [
        pytest.param(framed(ROW), {"grpc_encoding": "br"}, "UNIMPLEMENTED", "br", id="unknown encoding"),
        pytest.param(framed(ROW, 1), {}, "INVALID_ARGUMENT", "grpc-encoding", id="encoding not said"),
        pytest.param(
            framed(ROW, 1), {"grpc_encoding": "gzip"}, "INVALID_ARGUMENT", "not compressed", id="not gzip"
        ),
        pytest.param(
            framed(gzip.compress(ROW)[:-9], 1),
            {"grpc_encoding": "gzip"},
            "INVALID_ARGUMENT",
            "too early",
            id="half a gzip",
        ),
        pytest.param(b"\7" + framed(ROW)[1:], {}, "INVALID_ARGUMENT", "neither 0 nor 1", id="flag"),
        pytest.param(framed(ROW)[:-1], {}, "INVALID_ARGUMENT", "too early", id="half a message"),
        pytest.param(b"", {}, "INVALID_ARGUMENT", "no message", id="no message"),
        pytest.param(framed(ROW) * 2, {}, "INVALID_ARGUMENT", "more than one", id="two messages"),
        pytest.param(framed(ROW), {"grpc_timeout": "soon"}, "INVALID_ARGUMENT", "soon", id="no time"),
        pytest.param(framed(ROW), {"x_much": "y" * 70_000}, "RESOURCE_EXHAUSTED", "metadata", id="metadata"),
    ],
)
def test_a_call_that_cannot_be_read_is_told_why_and_the_connection_goes_on(
    client: Wire, data: bytes, named: dict[str, str], code: str, sentence: str
) -> None:
    got = client.call(INFER, data, **named)

    assert (Code(got.status).name, got.headers[":status"]) == (code, "200")
    assert sentence in got.said
    assert client.call(LIVE, EMPTY).status == 0


def test_encodings_that_are_known_are_named_beside_one_that_is_not(client: Wire) -> None:
    got = client.call(INFER, framed(ROW), grpc_encoding="snappy")

    assert got.headers["grpc-accept-encoding"] == "identity, deflate, gzip"


def test_a_sentence_of_any_characters_arrives(client: Wire) -> None:
    message = pb.ModelInferRequest(model_name="100% größer\n✓").SerializeToString()

    got = client.call(INFER, framed(message))

    assert "100% größer\n✓" in got.said
    assert {**got.headers, **got.trailers}["grpc-message"].isascii()


def test_a_message_may_come_byte_by_byte_and_in_empty_frames(client: Wire) -> None:
    number = client.open(headers(INFER))
    for position in range(len(framed(ROW))):
        client.send(number, framed(ROW)[position : position + 1])
        client.send(number, b"")
    client.send(number, b"", end=True)

    assert labels(client.result(number).message) == [0]


def test_a_client_may_end_by_trailers(client: Wire) -> None:
    number = client.open(headers(INFER))
    client.send(number, framed(ROW))
    client.h2.send_headers(number, [("x-sum", "1")], end_stream=True)
    client.flush()

    assert labels(client.result(number).message) == [0]


def test_a_message_beyond_the_limit_is_refused_before_it_has_come(tmp_path: Path) -> None:
    save(iris(), tmp_path / "iris")
    limit = 100_000
    with (
        both(tmp_path, f"--grpc_max_receive_message_length={limit}") as running,
        wire(running.port) as client,
    ):
        number = client.open(headers(INFER))
        client.send(number, b"\0" + (limit + 1).to_bytes(4, "big"))
        announced = client.result(number)
        bomb = client.call(INFER, framed(gzip.compress(bytes(limit + 1)), 1), grpc_encoding="gzip")
        most = client.call(INFER, framed(gzip.compress(ROW), 1), grpc_encoding="gzip")

        for got in (announced, bomb):
            assert got.status == Code.RESOURCE_EXHAUSTED
            assert "--grpc_max_receive_message_length" in got.said
        assert most.status == 0


def test_an_answer_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    save(iris(), tmp_path / "iris")
    many = request("iris", [Input("x", "FP64", np.tile(IRIS.data, (10, 1)))], raw=True).SerializeToString()
    with both(tmp_path, "--grpc_max_send_message_length=5000") as running, wire(running.port) as client:
        got = client.call(INFER, framed(many))

        assert got.status == Code.RESOURCE_EXHAUSTED
        assert "--grpc_max_send_message_length" in got.said
        assert client.call(INFER, framed(ROW)).status == 0


def test_calls_of_one_packet_are_answered_each_by_its_own_and_one_at_fault_harms_no_other(
    client: Wire,
) -> None:
    rows = {number: IRIS.data[number * 5 : number * 5 + 1] for number in range(30)}
    rows[7] = np.ones((1, 5))
    rows[11] = IRIS.data[:3]
    numbers = {}
    for place, row in rows.items():
        message = request("iris", [Input("x", "FP64", row)], raw=True, id=str(place)).SerializeToString()
        numbers[place] = client.open(headers(INFER), flush=False)
        client.send(numbers[place], framed(message), end=True, flush=False)
    client.flush()

    for place, number in numbers.items():
        got = client.result(number)
        if place == 7:
            assert (Code(got.status).name, "features" in got.said) == ("INVALID_ARGUMENT", True)
        else:
            assert pb.ModelInferResponse.FromString(got.message).id == str(place)
            assert labels(got.message) == iris().predict(rows[place]).tolist()


@st.composite
def drawn(draw: Any) -> bytes:
    """A request that is usual, nearly so, or wrong."""
    shape = draw(st.one_of(st.sampled_from([[1, 4], [3, 4]]), st.lists(st.integers(-1, 5), max_size=3)))
    datatype = draw(st.sampled_from(["FP64", "FP32", "FP16", "INT8", "INT64", "BOOL", "BYTES", "FP8"]))
    size = abs(int(np.prod(shape))) * {"FP64": 8, "INT64": 8, "FP32": 4, "FP16": 2}.get(datatype, 1)
    message = pb.ModelInferRequest(model_name=draw(st.sampled_from(["iris", "iris", "scaler", "no"])), id="r")
    message.model_version = draw(st.sampled_from(["", "", "1", "2"]))
    tensor = message.inputs.add(name=draw(st.sampled_from(["x", "x", ""])), datatype=datatype, shape=shape)
    message.raw_input_contents.append(draw(st.binary(min_size=size, max_size=size)))
    spoilt = draw(
        st.sampled_from(["", "", "", "more", "none", "contents", "parameter", "own", "output", "two"])
    )
    if spoilt == "more":
        message.raw_input_contents[0] += b"\0"
    elif spoilt == "none":
        del message.raw_input_contents[:]
    elif spoilt == "contents":
        tensor.contents.fp64_contents.append(1.0)
    elif spoilt == "parameter":
        message.parameters["priority"].int64_param = 1
    elif spoilt == "own":
        tensor.parameters["content_type"].string_param = "np"
    elif spoilt == "output":
        message.outputs.add(name="predict_proba")
    elif spoilt == "two":
        message.inputs.add(name="y", datatype="FP64", shape=[1])
    return message.SerializeToString()


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, Wire]]:
    """A connection to a server with the short way, and one to a server without."""
    root = tmp_path_factory.mktemp("models")
    save(iris(), root / "iris")
    save(scaler(), root / "scaler")
    with (
        both(root) as short,
        both(root, "--hot_path=false") as long,
        wire(short.port) as one,
        wire(long.port) as other,
    ):
        yield one, other


@settings(max_examples=300, deadline=None)
@given(message=drawn())
def test_the_short_way_gives_the_bytes_of_the_long_one(ways: tuple[Wire, Wire], message: bytes) -> None:
    short, long = (way.call(INFER, framed(message)) for way in ways)

    assert (short.headers, short.data, short.trailers) == (long.headers, long.data, long.trailers)


def test_a_reset_drops_the_call_that_waits_and_is_counted_as_left(tmp_path: Path) -> None:
    save(slow(), tmp_path / "slow")
    hang = request("slow", [Input("x", "FP64", np.array([[-1.0]]))], raw=True).SerializeToString()
    with (
        both(tmp_path, "--max_asyncio_workers=1", env={"SLOW_PLACE": str(tmp_path)}) as running,
        wire(running.port) as client,
    ):
        first = client.open(headers(INFER))
        client.send(first, framed(hang), end=True)
        until((tmp_path / "begun").exists)
        (tmp_path / "begun").unlink()
        second = client.open(headers(INFER), flush=False)
        client.send(second, framed(hang), end=True)
        third = client.open(headers(INFER), flush=False)
        client.send(third, framed(hang), end=True, flush=False)
        client.h2.reset_stream(third)  # with the call itself, in one packet
        client.h2.reset_stream(second)
        client.flush()
        until(lambda: running.rest.log().count("ModelInfer 499") == 2)
        (tmp_path / "go").touch()

        assert labels(client.result(first).message) == [0]
        assert client.call(LIVE, EMPTY).status == 0
        assert not (tmp_path / "begun").exists()
        metrics = running.rest.get("/metrics").body.decode()
        assert 'code="499",method="ModelInfer",model_name="slow",protocol="grpc"} 2.0' in metrics
        assert "Traceback" not in running.rest.log()


def test_a_client_that_disconnects_waits_no_more(tmp_path: Path) -> None:
    save(slow(), tmp_path / "slow")
    hang = request("slow", [Input("x", "FP64", np.array([[-1.0]]))], raw=True).SerializeToString()
    with both(tmp_path, env={"SLOW_PLACE": str(tmp_path)}) as running:
        with wire(running.port) as client:
            client.send(client.open(headers(INFER)), framed(hang), end=True)
            until((tmp_path / "begun").exists)
        until(lambda: "ModelInfer 499" in running.rest.log())
        (tmp_path / "go").touch()

        assert "Traceback" not in running.rest.log()
