"""ModelInfer's messages to the requests and responses of the protocol, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kserve_lite_server.errors import invalid
from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.protocol.datatypes import check_datatype
from kserve_lite_server.protocol.tensors import Tensor, from_raw, from_values, to_raw
from kserve_lite_server.protocol.v2 import InferRequest, InferResponse, RequestedOutput

# The field of InferTensorContents that holds a datatype's elements. FP16 has none: it travels raw.
CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def decode(request: pb.ModelInferRequest) -> InferRequest:
    """Read a request. Raises `ServeError` naming the tensor and what is wrong with it."""
    if not request.inputs:
        raise invalid('the request needs "inputs": at least one tensor')
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise invalid(
            f"raw_input_contents has {len(raw)} elements for {len(request.inputs)} inputs; send one for each input"
        )
    inputs = [
        _input(tensor, index, raw[index] if raw else None) for index, tensor in enumerate(request.inputs)
    ]
    if len({tensor.name for tensor in inputs}) != len(inputs):
        raise invalid("two inputs have the same name")
    outputs = [
        RequestedOutput(output.name, _parameters(output.parameters, f"output {output.name!r}"))
        for output in request.outputs
    ]
    if len({output.name for output in outputs}) != len(outputs):
        raise invalid("two outputs have the same name")
    return InferRequest(inputs, outputs, request.id, _parameters(request.parameters, "the request"))


def encode(response: InferResponse, asked: InferRequest, *, raw: bool) -> pb.ModelInferResponse:
    """Write a response: in raw bytes when the request was (`raw`), unless its parameters say otherwise."""
    message = pb.ModelInferResponse(
        model_name=response.model_name, model_version=response.model_version or "", id=response.id
    )
    raw = _raw(asked, response.outputs, raw)
    for tensor in response.outputs:
        output = message.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.array.shape)
        for name, value in tensor.parameters.items():
            _set(output.parameters[name], value)
        if raw:
            message.raw_output_contents.append(to_raw(tensor.array))
        else:
            getattr(output.contents, CONTENTS[tensor.datatype]).extend(_elements(tensor.array))
    return message


def _input(tensor: pb.ModelInferRequest.InferInputTensor, index: int, raw: bytes | None) -> Tensor:
    name = tensor.name
    if not name:
        raise invalid(f"inputs[{index}] needs a name")
    parameters = _parameters(tensor.parameters, f"tensor {name!r}")
    datatype, shape = check_datatype(tensor.datatype, name), tuple(tensor.shape)
    filled = [field.name for field, _ in tensor.contents.ListFields()]
    if raw is not None:
        if filled:
            raise invalid(f"tensor {name!r} has contents beside raw_input_contents; send one of them")
        return Tensor(name, from_raw(name, datatype, shape, raw), parameters)
    field = CONTENTS.get(datatype)
    if field is None:
        raise invalid(f"tensor {name!r} with datatype {datatype} goes in raw_input_contents only")
    if wrong := [other for other in filled if other != field]:
        raise invalid(f"tensor {name!r} with datatype {datatype} has {wrong[0]}; its elements go in {field}")
    return Tensor(name, from_values(name, datatype, shape, getattr(tensor.contents, field)[:]), parameters)


def _parameters(parameters: Mapping[str, pb.InferParameter], owner: str) -> dict[str, Any]:
    return {name: _value(name, parameter, owner) for name, parameter in parameters.items()}


def _value(name: str, parameter: pb.InferParameter, owner: str) -> Any:
    choice = parameter.WhichOneof("parameter_choice")
    if choice is None:
        raise invalid(f"{owner}: parameter {name!r} has no value")
    return getattr(parameter, choice)


def _set(parameter: pb.InferParameter, value: Any) -> None:
    if isinstance(value, bool):
        parameter.bool_param = value
    elif isinstance(value, int):
        parameter.int64_param = value
    elif isinstance(value, float):
        parameter.double_param = value
    else:
        parameter.string_param = str(value)


def _raw(asked: InferRequest, outputs: Any, raw: bool) -> bool:
    """All outputs go one way, as the message has it; FP16 has no other than raw."""
    wishes = [output.parameters.get("binary_data") for output in asked.outputs]
    wishes.append(asked.parameters.get("binary_data_output"))
    if True in wishes or any(tensor.datatype not in CONTENTS for tensor in outputs):
        return True
    return raw and False not in wishes


def _elements(array: np.ndarray) -> list[Any]:
    flat: list[Any] = array.reshape(-1).tolist()
    return [str(item).encode() for item in flat] if array.dtype == object else flat
