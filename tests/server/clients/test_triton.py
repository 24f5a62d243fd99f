"""Triton's own HTTP client, as people have it in their scripts, against a running server."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.server.models import IRIS, TEXTS
from tests.server.process import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        yield client


def given(rows: np.ndarray, datatype: str, binary: bool) -> Any:
    tensor = triton.InferInput("x", list(rows.shape), datatype)
    tensor.set_data_from_numpy(rows, binary_data=binary)
    return tensor


def test_health_and_metadata(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("iris")
    assert client.is_model_ready("iris", "1")
    assert not client.is_model_ready("nope")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_metadata("iris", "1")["inputs"][0]["shape"] == [-1, 4]


@pytest.mark.parametrize("output", [True, False])
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize(
    "datatype", ["FP64", "FP32", "INT64", "INT32", "INT16", "INT8", "UINT8", "UINT16", "UINT32", "UINT64"]
)
def test_numbers_both_ways(
    client: Any, models: dict[str, Any], datatype: str, binary: bool, output: bool
) -> None:
    dtype = {"F": "float", "I": "int", "U": "uint"}[datatype[0]] + datatype.lstrip("FPUINT")
    rows = np.rint(IRIS.data[::40]).astype(dtype)

    result = client.infer(
        "flowers",
        [given(rows, datatype, binary)],
        outputs=[triton.InferRequestedOutput("output-0", binary_data=output)],
    )

    labels = [
        item.decode() if isinstance(item, bytes) else item for item in result.as_numpy("output-0").tolist()
    ]
    assert labels == models["flowers"].predict(rows).tolist()


@pytest.mark.parametrize("binary", [True, False])
def test_text(client: Any, models: dict[str, Any], binary: bool) -> None:
    result = client.infer("text", [given(np.array(TEXTS, dtype=object), "BYTES", binary)])

    assert result.as_numpy("output-0").tolist() == models["text"].predict(TEXTS).tolist()


@pytest.mark.parametrize("asked", [None, "gzip", "deflate"])
@pytest.mark.parametrize("sent", [None, "gzip", "deflate"])
def test_compression(client: Any, models: dict[str, Any], sent: str | None, asked: str | None) -> None:
    result = client.infer(
        "scaler",
        [given(IRIS.data, "FP64", True)],
        request_compression_algorithm=sent,
        response_compression_algorithm=asked,
    )

    assert np.array_equal(result.as_numpy("output-0"), models["scaler"].transform(IRIS.data))


def test_versions_ids_and_several_outputs(client: Any, models: dict[str, Any]) -> None:
    outputs = [triton.InferRequestedOutput(name) for name in ("predict_proba", "predict")]

    result = client.infer("iris", [given(IRIS.data, "FP64", True)], "1", outputs, request_id="mine")

    assert result.get_response()["id"] == "mine"
    assert result.get_response()["model_version"] == "1"
    assert np.array_equal(result.as_numpy("predict_proba"), models["iris"].predict_proba(IRIS.data))
    assert np.array_equal(result.as_numpy("predict"), models["iris"].predict(IRIS.data))


def test_calls_under_way_together_are_answered_each_by_its_own(client: Any, models: dict[str, Any]) -> None:
    rows = [IRIS.data[number : number + 1].copy() for number in range(8)]

    asked = [client.async_infer("scaler", [given(one, "FP64", True)]) for one in rows]

    for one, call in zip(rows, asked, strict=True):
        answer = call.get_result(timeout=30).as_numpy("output-0")
        assert np.array_equal(answer, models["scaler"].transform(one))


def test_a_body_that_the_client_wrote_may_be_sent_by_another(
    client: Any, server: Server, models: dict[str, Any]
) -> None:
    body, length = client.generate_request_body([given(IRIS.data, "FP64", True)])

    reply = server.post("/v2/models/scaler/infer", bytes(body), Inference_Header_Content_Length=str(length))
    size = int(reply.headers.get("inference-header-content-length", 0)) or None
    result = client.parse_response_body(reply.body, header_length=size)

    assert np.array_equal(result.as_numpy("output-0"), models["scaler"].transform(IRIS.data))


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda client: client.get_model_config("iris"), id="configuration"),
        pytest.param(lambda client: client.get_inference_statistics("iris"), id="statistics"),
        pytest.param(lambda client: client.get_system_shared_memory_status(), id="shared memory"),
        pytest.param(lambda client: client.get_trace_settings("iris"), id="traces"),
        pytest.param(lambda client: client.get_log_settings(), id="log"),
    ],
)
def test_what_only_triton_has_is_404_with_a_sentence(client: Any, call: Any) -> None:
    with pytest.raises(InferenceServerException, match=r"\w+ \w+") as refusal:
        call(client)

    assert refusal.value.status() == "404"


def test_refusals_carry_the_sentence(client: Any) -> None:
    with pytest.raises(InferenceServerException, match="X has 2 features") as refusal:
        client.infer("iris", [given(IRIS.data[:, :2].copy(), "FP64", True)])
    assert refusal.value.status() == "400"


def test_the_repository(client: Any) -> None:
    client.load_model("iris")
    index = {entry["name"]: entry["state"] for entry in client.get_model_repository_index()}

    assert index["iris"] == "READY"
    with pytest.raises(InferenceServerException, match="does not exist"):
        client.load_model("nope")

    client.unload_model("scaler")
    assert not client.is_model_ready("scaler")
    client.load_model("scaler")
    assert client.is_model_ready("scaler")
