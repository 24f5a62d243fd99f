"""The Open Inference Protocol (V2) over HTTP: JSON, and tensors in binary behind the JSON, both ways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.protocol import bulk
from kserve_lite_server.protocol.datatypes import check_datatype
from kserve_lite_server.protocol.rows import kind
from kserve_lite_server.protocol.tensors import Tensor, check_shape, from_raw, from_values, to_raw, to_values

JSON_LENGTH = "inference-header-content-length"
"""The header that says how many bytes of JSON stand before the tensors in binary."""
REQUEST_FIELDS = ("id", "parameters", "inputs", "outputs")
INPUT_FIELDS = ("name", "shape", "datatype", "parameters", "data")


@dataclass(frozen=True, slots=True)
class RequestedOutput:
    """An output that the caller asks for by name."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A decoded request; gRPC makes the same from its messages."""

    inputs: Sequence[Tensor]
    outputs: Sequence[RequestedOutput] = ()
    id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()  # fields without meaning here, to be told to the caller


@dataclass(frozen=True, slots=True)
class InferResponse:
    """What a request is answered with, in the order in which outputs were asked for."""

    model_name: str
    outputs: Sequence[Tensor]
    id: str
    model_version: str | None = None


def decode(body: bytes, json_length: int | None = None) -> InferRequest:
    """Read a request; `json_length` bytes of JSON come first when binary tensors follow it.

    Raises `ServeError` naming the tensor and what is wrong with it.
    """
    if json_length is not None and json_length > len(body):
        raise invalid(
            f"Inference-Header-Content-Length is {json_length}, the body has only {len(body)} bytes"
        )
    if json_length is None and (large := bulk.read_tensor(body)) is not None:
        id, name, array = large
        return InferRequest([Tensor(name, array)], id=id)
    view = memoryview(body)
    request = _object(body if json_length is None else view[:json_length])
    inputs = request.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise invalid('the request needs "inputs": a list of at least one tensor')
    tensors, rest = [], view[len(body) if json_length is None else json_length :]
    for index, item in enumerate(inputs):
        tensor, rest = _input(item, index, rest, binary=json_length is not None)
        tensors.append(tensor)
    if len(rest):
        raise invalid(
            f"{len(rest)} bytes follow the last tensor; no input's binary_data_size accounts for them"
        )
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise invalid("two inputs have the same name")
    return InferRequest(
        tensors,
        _outputs(request.get("outputs")),
        _id(request.get("id")),
        _parameters(request.get("parameters"), "the request"),
        tuple(name for name in request if name not in REQUEST_FIELDS),
    )


def decode_raw(body: bytes, name: str, datatype: str, width: int | None) -> InferRequest:
    """Read a body that is one raw tensor and nothing else; its rows follow from its size."""
    if datatype == "BYTES":
        count = _count_strings(body)
        shape = [count]
    else:
        row = 8 * (width or 1)
        if not body or len(body) % row:
            raise invalid(
                f"a raw body must be rows of {width} FP64 values ({row} bytes each), got {len(body)} bytes"
            )
        shape = [len(body) // row, width or 1]
    return InferRequest([Tensor(name, from_raw(name, datatype, shape, body))])


def encode(response: InferResponse, request: InferRequest, nan: str = "string") -> tuple[bytes, int | None]:
    """Write a response; with the length of its JSON when tensors follow in binary, as the request asked for.

    An output's own `binary_data` wins over the request's `binary_data_output`.
    """
    everything = request.parameters.get("binary_data_output") is True
    asked = {output.name: output.parameters.get("binary_data") for output in request.outputs}
    outputs, payloads = [], []
    for tensor in response.outputs:
        binary = asked.get(tensor.name, asked.get(tensor.name.rpartition("-")[0]))
        written: dict[str, Any] = {
            "name": tensor.name,
            "shape": list(tensor.array.shape),
            "datatype": tensor.datatype,
            "parameters": dict(tensor.parameters) or None,
        }
        if binary is True or (binary is None and everything):
            payload = to_raw(tensor.array)
            written["parameters"] = {**tensor.parameters, "binary_data_size": len(payload)}
            payloads.append(payload)
        else:
            written["data"] = to_values(tensor.array, nan)
        outputs.append(written)
    head = orjson.dumps(
        {
            "model_name": response.model_name,
            "model_version": response.model_version,
            "id": response.id,
            "parameters": None,
            "outputs": outputs,
        },
        option=orjson.OPT_SERIALIZE_NUMPY,
    )
    return (b"".join([head, *payloads]), len(head)) if payloads else (head, None)


def _object(body: bytes | memoryview) -> dict[str, Any]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ServeError(
            "invalid_json",
            f"the body is not JSON: {error}; binary tensors need the header Inference-Header-Content-Length",
        ) from None
    if not isinstance(request, dict):
        raise invalid(f"the body must be a JSON object, not {kind(request)}")
    return request


def _input(item: Any, index: int, rest: memoryview, *, binary: bool) -> tuple[Tensor, memoryview]:
    if not isinstance(item, dict):
        raise invalid(f"inputs[{index}] must be an object, not {kind(item)}")
    name = item.get("name")
    if not isinstance(name, str) or not name:
        raise invalid(f"inputs[{index}] needs a name")
    if unknown := [key for key in item if key not in INPUT_FIELDS]:
        raise invalid(
            f"tensor {name!r} has the unknown field {unknown[0]!r}; known are {', '.join(INPUT_FIELDS)}"
        )
    parameters = _parameters(item.get("parameters"), f"tensor {name!r}")
    datatype = check_datatype(item.get("datatype"), name)
    shape = check_shape(item.get("shape"), name)
    size = parameters.get("binary_data_size")
    if size is None:
        values = item.get("data")
        if not isinstance(values, list):
            raise invalid(
                f'tensor {name!r} needs "data": a list' + (" or binary_data_size" if binary else "")
            )
        return Tensor(name, from_values(name, datatype, shape, values), parameters), rest
    if "data" in item:
        raise invalid(f'tensor {name!r} has both "data" and binary_data_size; send one of them')
    if not binary:
        raise invalid(
            f"tensor {name!r} has binary_data_size, but the request has no Inference-Header-Content-Length"
        )
    if type(size) is not int or size < 0:
        raise invalid(f"tensor {name!r}: binary_data_size must be a whole number from 0, not {size!r}")
    if size > len(rest):
        raise invalid(f"tensor {name!r} should have {size} bytes, only {len(rest)} follow")
    return Tensor(name, from_raw(name, datatype, shape, rest[:size]), parameters), rest[size:]


def _outputs(value: Any) -> list[RequestedOutput]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid(f'"outputs" must be a list, not {kind(value)}')
    outputs = []
    for index, item in enumerate(value):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise invalid(f"outputs[{index}] needs a name")
        parameters = _parameters(item.get("parameters"), f"output {item['name']!r}")
        if "classification" in parameters:
            raise invalid(
                f"output {item['name']!r}: classification is not supported; ask for predict_proba and classes"
            )
        outputs.append(RequestedOutput(item["name"], parameters))
    if len({output.name for output in outputs}) != len(outputs):
        raise invalid("two outputs have the same name")
    return outputs


def _id(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    raise invalid(f'"id" must be a string, not {kind(value)}')


def _parameters(value: Any, owner: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{owner}: parameters must be an object, not {kind(value)}")
    for name, item in value.items():
        if isinstance(item, list) or (isinstance(item, dict) and name != "headers"):
            raise invalid(f"{owner}: parameter {name!r} must be a single value, not {kind(item)}")
    return value


def _count_strings(body: bytes) -> int:
    count = position = 0
    while position < len(body):
        position += 4 + int.from_bytes(body[position : position + 4], "little")
        count += 1
    return count
