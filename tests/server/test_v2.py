"""The Open Inference Protocol over HTTP: tensors in every form, outputs by name, refusals with the tensor's name."""

import base64
import json
import struct
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.server.models import IRIS, TEXTS
from tests.server.process import Reply, Server

ROW = {"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}


def infer(server: Server, model: str, body: Any, **headers: str) -> Reply:
    return server.post(f"/v2/models/{model}/infer", body, **headers)


def answers(reply: Reply) -> dict[str, Any]:
    assert reply.status == 200, reply.body
    return {
        output["name"]: np.array(output["data"]).reshape(output["shape"]) for output in reply.json["outputs"]
    }


def binary(head: dict[str, Any], *payloads: bytes) -> tuple[bytes, dict[str, str]]:
    text = json.dumps(head).encode()
    return text + b"".join(payloads), {"Inference_Header_Content_Length": str(len(text))}


def strings(*items: str) -> bytes:
    return b"".join(struct.pack("<I", len(item.encode())) + item.encode() for item in items)


def test_a_response_has_the_fields_that_kserve_gives(server: Server) -> None:
    reply = infer(server, "iris", {"id": "r1", "inputs": [ROW]})

    assert reply.json == {
        "model_name": "iris",
        "model_version": None,
        "id": "r1",
        "parameters": None,
        "outputs": [{"name": "output-0", "shape": [1], "datatype": "INT64", "parameters": None, "data": [0]}],
    }


def test_a_request_without_an_id_gets_one(server: Server) -> None:
    first, second = (infer(server, "iris", {"inputs": [ROW]}).json["id"] for _ in range(2))

    assert first
    assert first != second


@pytest.mark.parametrize(
    "datatype",
    [
        "UINT8",
        "UINT16",
        "UINT32",
        "UINT64",
        "INT8",
        "INT16",
        "INT32",
        "INT64",
        "FP16",
        "FP32",
        "FP64",
        "BOOL",
    ],
)
def test_every_numeric_datatype_is_taken_flat_nested_and_raw(
    server: Server, models: dict[str, Any], datatype: str
) -> None:
    dtype = {"U": "uint", "I": "int", "F": "float", "B": "bool"}[datatype[0]] + datatype.lstrip("UINTFPBOL")
    rows = np.array([[5, 3, 1, 0], [1, 0, 1, 1]]).astype(dtype)
    expected = models["iris"].predict(rows).tolist()
    tensor = {"name": "x", "shape": [2, 4], "datatype": datatype}

    flat = infer(server, "iris", {"inputs": [{**tensor, "data": rows.flatten().tolist()}]})
    nested = infer(server, "iris", {"inputs": [{**tensor, "data": rows.tolist()}]})
    payload = rows.tobytes()
    body, headers = binary(
        {"inputs": [{**tensor, "parameters": {"binary_data_size": len(payload)}}]}, payload
    )
    raw = infer(server, "iris", body, **headers)

    for reply in (flat, nested, raw):
        assert answers(reply)["output-0"].tolist() == expected


def test_text_is_taken_as_bytes_in_every_form(server: Server, models: dict[str, Any]) -> None:
    expected = models["text"].predict(TEXTS).tolist()
    tensor: dict[str, Any] = {"name": "x", "shape": [len(TEXTS)], "datatype": "BYTES"}
    encoded = [base64.b64encode(text.encode()).decode() for text in TEXTS]
    body, headers = binary(
        {"inputs": [{**tensor, "parameters": {"binary_data_size": len(strings(*TEXTS))}}]}, strings(*TEXTS)
    )

    for reply in (
        infer(server, "text", {"inputs": [{**tensor, "data": TEXTS}]}),
        infer(server, "text", {"inputs": [{**tensor, "shape": [len(TEXTS), 1], "data": TEXTS}]}),
        infer(
            server,
            "text",
            {"inputs": [{**tensor, "data": encoded, "parameters": {"content_type": "base64"}}]},
        ),
        infer(server, "text", {"parameters": {"content_type": "str"}, "inputs": [{**tensor, "data": TEXTS}]}),
        infer(server, "text", body, **headers),
        infer(server, "text", strings(*TEXTS), Inference_Header_Content_Length="0"),
    ):
        assert answers(reply)["output-0"].tolist() == expected


def test_columns_come_one_tensor_each(server: Server, models: dict[str, Any]) -> None:
    columns = [
        {"name": "visits", "shape": [2], "datatype": "INT64", "data": [1, 5]},
        {"name": "city", "shape": [2, 1], "datatype": "BYTES", "data": ["Rome", "Oslo"]},
        {"name": "age", "shape": [2], "datatype": "FP64", "data": [20, None]},
    ]
    frame = pd.DataFrame({"age": [20, np.nan], "city": ["Rome", "Oslo"], "visits": [1, 5]})

    for parameters in ({"content_type": "pd"}, None):
        reply = infer(server, "mixed", {"parameters": parameters, "inputs": columns})
        assert answers(reply)["output-0"].tolist() == models["mixed"].predict(frame).tolist()


def test_several_methods_answer_one_request_in_the_order_asked(
    server: Server, models: dict[str, Any]
) -> None:
    names = ["predict_proba", "output-0", "classes", "decision_function", "predict"]
    reply = infer(server, "flowers", {"inputs": [ROW], "outputs": [{"name": name} for name in names]})
    row = [ROW["data"]]

    assert [output["name"] for output in reply.json["outputs"]] == names
    got = answers(reply)
    assert got["predict_proba"].tolist() == models["flowers"].predict_proba(row).tolist()
    assert got["decision_function"].tolist() == models["flowers"].decision_function(row).tolist()
    assert got["classes"].tolist() == ["setosa", "versicolor", "virginica"]
    assert got["output-0"].tolist() == got["predict"].tolist() == ["setosa"]


def test_a_method_of_several_outputs_gives_one_tensor_each(server: Server, models: dict[str, Any]) -> None:
    reply = infer(server, "multi_label", {"inputs": [ROW], "outputs": [{"name": "predict_proba"}]})
    expected = models["multi_label"].predict_proba([ROW["data"]])

    assert [answers(reply)[f"predict_proba-{index}"].tolist() for index in (0, 1)] == [
        part.tolist() for part in expected
    ]


def test_an_output_is_binary_when_the_request_or_the_output_says_so(server: Server) -> None:
    everything = infer(
        server,
        "flowers",
        {
            "inputs": [ROW],
            "parameters": {"binary_data_output": True},
            "outputs": [
                {"name": "output-0"},
                {"name": "predict_proba", "parameters": {"binary_data": False}},
            ],
        },
    )

    length = int(everything.headers["inference-header-content-length"])
    head = json.loads(everything.body[:length])
    assert everything.headers["content-type"] == "application/octet-stream"
    assert int(everything.headers["content-length"]) == len(everything.body)
    assert head["outputs"][0]["parameters"] == {"binary_data_size": 10}
    assert everything.body[length:] == strings("setosa")
    assert len(head["outputs"][1]["data"]) == 3


def test_json_and_binary_inputs_mix(server: Server, models: dict[str, Any]) -> None:
    payload = np.array([20.0, 30.0]).tobytes()
    head = {
        "inputs": [
            {"name": "city", "shape": [2], "datatype": "BYTES", "data": ["Rome", "Oslo"]},
            {
                "name": "age",
                "shape": [2],
                "datatype": "FP64",
                "parameters": {"binary_data_size": len(payload)},
            },
            {"name": "visits", "shape": [2], "datatype": "INT64", "data": [1, 5]},
        ]
    }
    frame = pd.DataFrame({"age": [20.0, 30.0], "city": ["Rome", "Oslo"], "visits": [1, 5]})

    body, headers = binary(head, payload)

    assert (
        answers(infer(server, "mixed", body, **headers))["output-0"].tolist()
        == models["mixed"].predict(frame).tolist()
    )


def test_a_raw_body_is_rows_of_the_model(server: Server) -> None:
    reply = infer(server, "iris", IRIS.data[:3].tobytes(), Inference_Header_Content_Length="0")

    assert answers(reply)["output-0"].tolist() == [0, 0, 0]


def test_nan_is_written_as_text_or_as_null_when_asked(server: Server) -> None:
    tensor = {**ROW, "data": ["NaN", 1, 2, 3]}

    assert infer(server, "scaler", {"inputs": [tensor]}).json["outputs"][0]["data"][0] == "NaN"
    lossy = infer(server, "scaler", {"inputs": [tensor], "parameters": {"nan": "null"}})
    assert lossy.json["outputs"][0]["data"][0] is None


def test_metadata_tells_what_a_model_takes_and_gives(server: Server) -> None:
    mixed = server.get("/v2/models/mixed").json
    flowers = server.get("/v2/models/flowers/versions/1").json

    assert [(i["name"], i["datatype"], i["shape"]) for i in mixed["inputs"]] == [
        ("age", "FP64", [-1]),
        ("city", "BYTES", [-1]),
        ("visits", "FP64", [-1]),
    ]
    assert flowers["inputs"] == [{"name": "input-0", "datatype": "FP64", "shape": [-1, 4]}]
    assert {"name": "output-0", "datatype": "BYTES", "shape": [-1]} in flowers["outputs"]
    assert {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 3]} in flowers["outputs"]
    assert flowers["parameters"]["classes"] == ["setosa", "versicolor", "virginica"]
    assert flowers["versions"] == ["1"]


@pytest.mark.parametrize("path", ["", "/ready", "/infer"])
def test_an_unknown_version_is_404(server: Server, path: str) -> None:
    known = server.ask(
        "POST" if path == "/infer" else "GET", f"/v2/models/iris/versions/1{path}", {"inputs": [ROW]}
    )
    other = server.ask(
        "POST" if path == "/infer" else "GET", f"/v2/models/iris/versions/7{path}", {"inputs": [ROW]}
    )

    assert known.status == 200
    assert (other.status, other.json["code"]) == (404, "version_not_found")


def with_row(**changes: Any) -> dict[str, Any]:
    return {"inputs": [{key: value for key, value in {**ROW, **changes}.items() if value is not ...}]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"", "not JSON", id="empty body"),
        pytest.param({}, '"inputs"', id="no inputs"),
        pytest.param({"inputs": []}, '"inputs"', id="no tensor"),
        pytest.param({"inputs": [1]}, "inputs[0] must be an object", id="a number as tensor"),
        pytest.param({"inputs": [ROW], "id": 3}, '"id" must be a string', id="int id"),
        pytest.param({"inputs": [ROW], "parameters": {"a": {"b": 1}}}, "single value", id="nested parameter"),
        pytest.param(
            {"inputs": [ROW], "outputs": [{"name": "nope"}]}, "no output 'nope'", id="unknown output"
        ),
        pytest.param(
            {"inputs": [ROW], "outputs": [{}]}, "outputs[0] needs a name", id="output without a name"
        ),
        pytest.param({"inputs": [ROW, ROW]}, "same name", id="one name twice"),
        pytest.param(
            {"inputs": [ROW, {**ROW, "name": "y"}]}, "takes one tensor, got 2 (x, y)", id="second tensor"
        ),
        pytest.param(with_row(data=...), '"data"', id="no data"),
        pytest.param(with_row(name=...), "needs a name", id="no name"),
        pytest.param(with_row(extra=1), "unknown field 'extra'", id="unknown field"),
        pytest.param(with_row(datatype="FP63"), "datatype 'FP63'", id="unknown datatype"),
        pytest.param(with_row(datatype=None), "datatype None", id="no datatype"),
        pytest.param(with_row(shape=[1, 3]), "its data has shape [4]", id="shape and data differ"),
        pytest.param(
            with_row(shape=[2, 2], data=[[5.1, 3.5, 1.4, 0.2]]), "shape [1, 4]", id="nested otherwise"
        ),
        pytest.param(with_row(shape=[-1, 4]), "whole numbers from 0", id="negative shape"),
        pytest.param(with_row(shape="4"), "needs a shape", id="shape of text"),
        pytest.param(with_row(data=[[1, 2], [3]]), "different lengths", id="ragged"),
        pytest.param(with_row(data=["a", 1, 2, 3]), "takes numbers, got 'a'", id="word among numbers"),
        pytest.param(
            with_row(datatype="INT64", data=[1.5, 1, 2, 3]), "whole numbers, got 1.5", id="fraction as INT64"
        ),
        pytest.param(
            with_row(datatype="UINT8", data=[300, 1, 2, 3]), "beyond the range of UINT8", id="beyond UINT8"
        ),
        pytest.param(
            with_row(datatype="FP16", data=[1e9, 1, 2, 3]), "beyond the range of FP16", id="beyond FP16"
        ),
        pytest.param(with_row(datatype="BOOL", data=[2, 1, 0, 1]), "true and false", id="2 as BOOL"),
        pytest.param(with_row(datatype="BYTES", data=[1, 2, 3, 4]), "takes strings", id="numbers as BYTES"),
        pytest.param(with_row(shape=[0, 4], data=[]), "no rows", id="no rows"),
        pytest.param(with_row(shape=[1, 2], data=[1, 2]), "X has 2 features", id="too few features"),
        pytest.param(
            with_row(parameters={"content_type": "np4"}), "content_type 'np4'", id="unknown content type"
        ),
        pytest.param(with_row(parameters={"binary_data_size": 32}), "both", id="data and binary size"),
    ],
)
def test_a_wrong_request_is_refused_with_the_tensor(server: Server, body: Any, said: str) -> None:
    reply = infer(server, "iris", body)

    assert reply.status == 400, reply.body
    assert said in reply.json["error"]


@pytest.mark.parametrize(
    ("length", "size", "payload", "said"),
    [
        pytest.param("abc", 32, bytes(32), "whole number", id="length is no number"),
        pytest.param("-5", 32, bytes(32), "whole number", id="length is negative"),
        pytest.param("99999", 32, bytes(32), "only", id="length beyond the body"),
        pytest.param(None, 32, bytes(31), "only 31 follow", id="cut short"),
        pytest.param(None, 32, bytes(33), "1 bytes follow", id="bytes left over"),
        pytest.param(None, 24, bytes(24), "needs 32 bytes", id="too few for the shape"),
        pytest.param(None, "32", bytes(32), "binary_data_size", id="size of text"),
    ],
)
def test_a_wrong_binary_body_is_refused(
    server: Server, length: str | None, size: Any, payload: bytes, said: str
) -> None:
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP64", "parameters": {"binary_data_size": size}}
    body, headers = binary({"inputs": [tensor]}, payload)

    reply = infer(
        server, "iris", body, **({"Inference_Header_Content_Length": length} if length else headers)
    )

    assert reply.status == 400, reply.body
    assert said in reply.json["error"]
