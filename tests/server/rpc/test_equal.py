"""gRPC and REST give the same answer and the same refusal: every datatype, kind of model and number of rows."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.server.models import IRIS, TEXTS
from tests.server.rpc.client import (
    DTYPES,
    Both,
    Input,
    comparable,
    refusal,
    request,
    tensors,
    unpacked,
)

pytestmark = pytest.mark.slow

ROWS = np.array([[5, 3, 1, 0], [1, 0, 1, 1], [0, 0, 0, 0]])


def rest(served: Both, model: str, inputs: Sequence[Input], outputs: Sequence[str], *, binary: bool) -> Any:
    """The same request over REST, in JSON or in binary both ways."""
    sent, payloads = [], []
    for tensor in inputs:
        head = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.array.shape)}
        if binary:
            payloads.append(tensor.raw)
            head["parameters"] = {"binary_data_size": len(tensor.raw)}
        else:
            head["data"] = comparable(tensor.elements)
        sent.append(head)
    body: dict[str, Any] = {"inputs": sent, "parameters": {"binary_data_output": binary}}
    if outputs:
        body["outputs"] = [{"name": name} for name in outputs]
    text = json.dumps(body).encode()
    headers = {"Inference_Header_Content_Length": str(len(text))} if binary else {}
    return served.rest.post(f"/v2/models/{model}/infer", b"".join([text, *payloads]), **headers)


def rest_tensors(reply: Any) -> dict[str, tuple[str, tuple[int, ...], list[Any]]]:
    length = int(reply.headers.get("inference-header-content-length", len(reply.body)))
    position, found = length, {}
    for output in json.loads(reply.body[:length])["outputs"]:
        if "data" in output:
            elements = output["data"]
        else:
            size = output["parameters"]["binary_data_size"]
            elements = unpacked(output["datatype"], reply.body[position : position + size])
            position += size
        found[output["name"]] = (output["datatype"], tuple(output["shape"]), comparable(elements))
    return found


def assert_equal(
    served: Both, model: str, inputs: Sequence[Input], outputs: Sequence[str] = (), forms: str = "raw typed"
) -> Any:
    replies = [rest(served, model, inputs, outputs, binary=binary) for binary in (False, True)]
    assert replies[0].status == replies[1].status == 200, replies[0].body
    expected = rest_tensors(replies[1])

    assert rest_tensors(replies[0]) == expected
    for form in forms.split():
        response = served.infer(request(model, inputs, outputs, raw=form == "raw"))
        assert tensors(response) == expected
        assert bool(response.raw_output_contents) == (form == "raw")
    return expected


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("datatype", DTYPES)
def test_every_datatype_is_answered_alike(served: Both, datatype: str, count: int) -> None:
    rows = ROWS[:count] % 2 if datatype == "BOOL" else ROWS[:count]
    forms = "raw" if datatype == "FP16" else "raw typed"

    expected = assert_equal(
        served, "iris", [Input("x", datatype, rows)], ["output-0", "predict_proba"], forms
    )

    assert expected["output-0"][:2] == ("INT64", (count,))


@pytest.mark.parametrize("datatype", [*DTYPES, "BYTES"])
def test_no_rows_are_refused_alike(served: Both, datatype: str) -> None:
    empty = Input("x", datatype, np.empty((0, 4), dtype=object if datatype == "BYTES" else None))
    expected = rest(served, "iris", [empty], (), binary=True).json

    for raw in (True, False) if datatype != "FP16" else (True,):
        code, sentence, trailer = refusal(lambda raw=raw: served.infer(request("iris", [empty], raw=raw)))
        assert (code.name, sentence) == ("INVALID_ARGUMENT", expected["error"])
        assert trailer["error-code"] == expected["code"]


GAPS = IRIS.data[:5].copy()
GAPS[1, 1], GAPS[2, 2] = np.nan, np.inf
COLUMNS = [
    Input("visits", "INT64", np.array([1, 5, 3])),
    Input("city", "BYTES", np.array([["Rome"], ["Oslo"], ["Bonn"]], dtype=object)),
    Input("age", "FP64", np.array([20, np.nan, 33.5])),
]


@pytest.mark.parametrize(
    ("model", "inputs", "outputs"),
    [
        pytest.param(
            "flowers",
            [Input("x", "FP64", IRIS.data)],
            ["predict", "classes", "predict_proba"],
            id="string labels",
        ),
        pytest.param("text", [Input("x", "BYTES", np.array(TEXTS, dtype=object))], [], id="text"),
        pytest.param("mixed", COLUMNS, ["predict", "predict_proba"], id="mixed columns"),
        pytest.param("mixed", COLUMNS[::-1], [], id="columns in another order"),
        pytest.param("named", [Input("x", "FP32", IRIS.data)], [], id="fitted on a data frame"),
        pytest.param("regressor", [Input("x", "FP64", IRIS.data[:, :3])], [], id="regressor"),
        pytest.param("multi_output", [Input("x", "FP64", IRIS.data[:, :3])], [], id="multi-output"),
        pytest.param(
            "multi_label", [Input("x", "FP64", IRIS.data)], ["predict", "predict_proba"], id="multi-label"
        ),
        pytest.param("gaps", [Input("x", "FP64", GAPS[:2])], ["predict_proba"], id="NaN in"),
        pytest.param("scaler", [Input("x", "FP64", GAPS[:2])], [], id="NaN out"),
        pytest.param("sparse", [Input("x", "BYTES", np.array(TEXTS, dtype=object))], [], id="sparse"),
    ],
)
def test_every_kind_of_model_answers_alike(
    served: Both, model: str, inputs: list[Input], outputs: list[str]
) -> None:
    assert_equal(served, model, inputs, outputs)


def test_outputs_are_selected_and_ordered_as_asked(served: Both) -> None:
    """D11: KServe's gRPC ignores the filter that its REST honours."""
    expected = assert_equal(
        served, "iris", [Input("x", "FP64", IRIS.data[:2])], ["decision_function", "predict"]
    )

    assert list(expected) == ["decision_function", "predict"]


@pytest.mark.parametrize(
    ("model", "inputs", "outputs"),
    [
        pytest.param("iris", [Input("x", "FP64", IRIS.data[:, :2])], [], id="wrong width"),
        pytest.param("iris", [Input("x", "FP64", IRIS.data)], ["nope"], id="unknown output"),
        pytest.param("iris", [Input("x", "FP64", GAPS)], [], id="NaN for a model without gaps"),
        pytest.param("iris", [Input("x", "BYTES", np.array(["a"], dtype=object))], [], id="text for numbers"),
        pytest.param("text", [Input("x", "FP64", IRIS.data[:, :1])], [], id="numbers for text"),
        pytest.param("mixed", COLUMNS[:2], [], id="missing column"),
        pytest.param(
            "mixed", [*COLUMNS[:2], Input("age", "FP64", np.array([1.0]))], [], id="columns of unlike length"
        ),
        pytest.param(
            "iris", [Input(name, "FP64", IRIS.data[:1]) for name in "ab"], [], id="two tensors for one"
        ),
        pytest.param("iris", [Input("a", "FP64", IRIS.data[:1])] * 2, [], id="one name twice"),
        pytest.param("nope", [Input("x", "FP64", IRIS.data)], [], id="unknown model"),
        pytest.param("broken", [Input("x", "FP64", np.array([[1.0]]))], [], id="a model that breaks"),
    ],
)
def test_refusals_have_the_same_sentence_and_code(
    served: Both, model: str, inputs: list[Input], outputs: list[str]
) -> None:
    expected = rest(served, model, inputs, outputs, binary=True)
    codes = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 500: "INTERNAL"}

    for raw in (True, False):
        code, sentence, trailer = refusal(
            lambda raw=raw: served.infer(request(model, inputs, outputs, raw=raw))
        )
        assert code.name == codes[expected.status]
        assert (sentence, trailer["error-code"]) == (expected.json["error"], expected.json["code"])
