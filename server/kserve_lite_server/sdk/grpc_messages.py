"""V2 messages of gRPC to what a model's hooks see, and back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.grpc.messages import CONTENTS
from kserve_lite_server.sdk.errors import InvalidInput
from kserve_lite_server.sdk.tensors import InferInput, InferOutput, Tensor, raw

if TYPE_CHECKING:
    from kserve_lite_server.sdk.messages import InferRequest, InferResponse

R = TypeVar("R", bound="InferRequest")
S = TypeVar("S", bound="InferResponse")


def request(kind: type[R], message: pb.ModelInferRequest) -> R:
    """Read a ModelInferRequest; parameters stay messages, as KServe hands them to hooks."""
    from kserve_lite_server.sdk.messages import RequestedOutput

    return kind(
        message.model_name,
        [InferInput(t.name, t.shape, t.datatype, _values(t), t.parameters) for t in message.inputs],
        request_id=message.id,
        raw_inputs=message.raw_input_contents,
        from_grpc=True,
        parameters=message.parameters,
        request_outputs=[RequestedOutput(o.name, o.parameters) for o in message.outputs] or None,
        model_version=message.model_version,
    )


def response(kind: type[S], message: pb.ModelInferResponse) -> S:
    """Read a ModelInferResponse."""
    return kind(
        message.id,
        message.model_name,
        [InferOutput(t.name, t.shape, t.datatype, _values(t), t.parameters) for t in message.outputs],
        model_version=message.model_version,
        raw_outputs=message.raw_output_contents,
        from_grpc=True,
        parameters=message.parameters,
    )


def to_request(asked: "InferRequest") -> pb.ModelInferRequest:
    """Write a ModelInferRequest; when one tensor is raw, all are, as the protocol has it."""
    message = pb.ModelInferRequest(
        id=asked.id or "", model_name=asked.model_name, model_version=asked.model_version or ""
    )
    _set_all(message.parameters, asked.parameters)
    _write(asked.inputs, message.inputs, message.raw_input_contents, all_raw=False)
    for output in asked.request_outputs or ():
        _set_all(message.outputs.add(name=output.name).parameters, output.parameters)
    return message


def to_response(answer: "InferResponse") -> pb.ModelInferResponse:
    """Write a ModelInferResponse."""
    message = pb.ModelInferResponse(
        id=answer.id or "", model_name=answer.model_name, model_version=answer.model_version or ""
    )
    _set_all(message.parameters, answer.parameters)
    _write(answer.outputs, message.outputs, message.raw_output_contents, all_raw=answer._use_binary_outputs)
    return message


def _write(tensors: Any, messages: Any, payloads: Any, *, all_raw: bool) -> None:
    binary = all_raw or any(
        tensor._raw_data is not None or isinstance(tensor.data, np.ndarray) or tensor.datatype not in CONTENTS
        for tensor in tensors
    )
    for tensor in tensors:
        message = messages.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        _set_all(message.parameters, tensor.parameters)
        if binary:
            payloads.append(tensor._raw_data if tensor._raw_data is not None else raw(tensor.as_numpy()))
        elif not isinstance(tensor.data, list):
            raise InvalidInput(f"tensor {tensor.name!r} has no data")
        else:
            getattr(message.contents, CONTENTS[tensor.datatype]).extend(_flat(tensor))


def _flat(tensor: Tensor) -> list[Any]:
    items = tensor.data
    if items and isinstance(items[0], list):
        items = tensor.as_numpy().reshape(-1).tolist()
    return [str(x).encode() if isinstance(x, str) else x for x in items]


def _values(tensor: Any) -> list[Any] | None:
    """The elements of a tensor's contents; None when they are in the raw contents."""
    filled = tensor.contents.ListFields()
    return list(filled[0][1]) if filled else None


def _set_all(target: Any, parameters: Mapping[str, Any] | None) -> None:
    for name, value in (parameters or {}).items():
        if isinstance(value, pb.InferParameter):
            target[name].CopyFrom(value)
        elif isinstance(value, bool):
            target[name].bool_param = value
        elif isinstance(value, int):
            target[name].int64_param = value
        elif isinstance(value, str):
            target[name].string_param = value
        elif isinstance(value, float):
            target[name].double_param = value
        else:
            raise InvalidInput(f"parameter {name!r} has no gRPC form: {value!r}")
