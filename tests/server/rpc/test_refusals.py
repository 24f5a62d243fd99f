"""Wrong messages are INVALID_ARGUMENT with the tensor's name: never INTERNAL or UNKNOWN, never a dead server."""

from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb

from kserve_lite_server.errors import STATUS
from kserve_lite_server.grpc.status import CODES, Code
from tests.server.models import IRIS
from tests.server.rpc.client import Both, Input, refusal, request, tensors

pytestmark = pytest.mark.slow

ROW = Input("x", "FP64", IRIS.data[:1])


def changed(change: Any, *, raw: bool) -> Any:
    message = request("iris", [ROW], raw=raw)
    change(message)
    return message


def two_contents(message: Any) -> None:
    message.inputs[0].contents.fp32_contents.append(1)


def more_raw(message: Any) -> None:
    message.raw_input_contents.append(b"")


def contents_beside_raw(message: Any) -> None:
    message.inputs[0].contents.fp64_contents.append(1)


def set_input(**fields: Any) -> Any:
    return lambda message: [setattr(message.inputs[0], name, value) for name, value in fields.items()]


def wide(message: Any) -> None:
    message.inputs[0].shape[:] = [1, 5]


def negative(message: Any) -> None:
    message.inputs[0].shape[:] = [-1, 4]


def huge(message: Any) -> None:
    message.inputs[0].shape[:] = [2**62, 2**62]


def hollow_parameter(message: Any) -> None:
    message.parameters["nan"].SetInParent()


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        pytest.param(pb.ModelInferRequest(model_name="iris"), "at least one tensor", id="no inputs"),
        pytest.param(
            changed(two_contents, raw=False), "has fp32_contents", id="contents of another datatype"
        ),
        pytest.param(
            changed(more_raw, raw=True), "2 elements for 1 inputs", id="more raw contents than inputs"
        ),
        pytest.param(changed(contents_beside_raw, raw=True), "beside raw", id="contents beside raw contents"),
        pytest.param(changed(set_input(name=""), raw=True), "inputs[0] needs a name", id="no name"),
        pytest.param(changed(set_input(datatype="FP8"), raw=True), "'FP8'", id="unknown datatype"),
        pytest.param(changed(set_input(datatype=""), raw=True), "datatype ''", id="no datatype"),
        pytest.param(
            changed(set_input(datatype="FP16"), raw=False), "raw_input_contents only", id="FP16 typed"
        ),
        pytest.param(changed(wide, raw=True), "needs 40 bytes, got 32", id="too few bytes"),
        pytest.param(changed(wide, raw=False), "its data has shape [4]", id="too few elements"),
        pytest.param(changed(negative, raw=True), "whole numbers from 0", id="negative shape"),
        pytest.param(changed(huge, raw=True), "bytes, got 32", id="shape beyond memory"),
        pytest.param(
            changed(hollow_parameter, raw=True), "'nan' has no value", id="parameter without a value"
        ),
        pytest.param(
            request("iris", [Input("x", "INT8", np.array([[300, 0, 0, 0]]))], raw=False), None, id="in range"
        ),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(served: Both, message: Any, sentence: str | None) -> None:
    if sentence is None:
        message.inputs[0].contents.int_contents[:] = [300, 0, 0, 0]
        sentence = "beyond the range of INT8"

    code, said, trailer = refusal(lambda: served.infer(message))

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert sentence in said
    assert trailer["error-code"] == "invalid_input"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), valid=st.booleans(), position=st.integers(0, 60))
def test_bytes_that_are_no_message_never_break_the_server(
    served: Both, data: bytes, valid: bool, position: int
) -> None:
    whole = request("iris", [ROW], raw=True).SerializeToString()
    sent = whole[:position] + data + whole[position:] if valid else data
    call = served.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")

    answer = call.future(sent, timeout=30)

    assert answer.code().name in ("OK", "INVALID_ARGUMENT", "NOT_FOUND"), answer.details()


def test_an_unknown_call_is_unimplemented(served: Both) -> None:
    call = served.channel.unary_unary("/inference.GRPCInferenceService/ModelStreamInfer")

    assert refusal(lambda: call(b"", timeout=30))[0] is grpc.StatusCode.UNIMPLEMENTED


def test_an_unknown_version_is_not_found_as_over_rest(served: Both) -> None:
    """D11: KServe's gRPC ignores model_version."""
    code, sentence, trailer = refusal(
        lambda: served.infer(request("iris", [ROW], raw=True, model_version="7"))
    )
    reply = served.rest.get("/v2/models/iris/versions/7")

    assert (code.name, reply.status) == ("NOT_FOUND", 404)
    assert (sentence, trailer["error-code"]) == (reply.json["error"], reply.json["code"])
    assert served.infer(request("iris", [ROW], raw=True, model_version="1")).model_version == "1"


def test_every_error_of_the_table_has_a_status() -> None:
    assert set(STATUS.values()) <= CODES.keys()
    assert Code.UNKNOWN not in CODES.values()
    assert {code.name: int(code) for code in Code} == {code.name: code.value[0] for code in grpc.StatusCode}


def test_the_form_of_the_answer_follows_the_request_unless_it_says_otherwise(served: Both) -> None:
    typed = served.infer(request("iris", [ROW], raw=False, parameters={"binary_data_output": True}))
    raw = served.infer(request("iris", [ROW], raw=True, parameters={"binary_data_output": False}))

    assert len(typed.raw_output_contents) == 1
    assert not raw.raw_output_contents
    assert tensors(typed) == tensors(raw)


def test_ids_are_echoed_and_made_when_missing(served: Both) -> None:
    assert served.infer(request("iris", [ROW], raw=True, id="r1")).id == "r1"
    assert served.infer(request("iris", [ROW], raw=True)).id


def test_parameters_without_meaning_are_named_in_the_trailer(served: Both) -> None:
    message = request("iris", [ROW], raw=True, parameters={"priority": 3})

    _, call = served.stub.ModelInfer.with_call(message, timeout=30)

    assert dict(call.trailing_metadata())["warning"] == "ignored: priority"
