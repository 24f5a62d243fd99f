"""InferRequest and InferResponse: what a model's hooks are given and give back over V2, under KServe's names."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

import numpy as np
import orjson

from kserve_lite_server.protocol.datatypes import check_datatype
from kserve_lite_server.protocol.tensors import check_shape
from kserve_lite_server.sdk.errors import InvalidInput
from kserve_lite_server.sdk.tensors import (
    BINARY_SIZE,
    InferInput,
    InferOutput,
    Parameters,
    Tensor,
    check_count,
    plain,
    text,
)

T = TypeVar("T", bound=Tensor)


class RequestedOutput:
    """An output that the caller asks for by name."""

    def __init__(self, name: str, parameters: Parameters = None) -> None:
        self.name = name
        self.parameters = parameters

    @property
    def binary_data(self) -> bool | None:
        """Whether it shall come in binary; None when the caller did not say."""
        wanted: bool | None = plain(self.parameters).get("binary_data")
        return wanted


class InferRequest:
    """A V2 request, from REST or gRPC."""

    def __init__(
        self,
        model_name: str,
        infer_inputs: list[InferInput],
        request_id: str | None = None,
        raw_inputs: Sequence[bytes] | None = None,
        from_grpc: bool | None = False,
        parameters: Parameters = None,
        request_outputs: list[RequestedOutput] | None = None,
        model_version: str | None = None,
    ) -> None:
        self.id = request_id
        self.model_name = model_name
        self.model_version = model_version
        self.inputs = infer_inputs
        self.parameters: Any = {} if parameters is None else parameters
        self.from_grpc = from_grpc  # type: ignore[method-assign, assignment]  # KServe's name for both
        self.request_outputs = request_outputs
        for tensor, payload in zip(infer_inputs, raw_inputs or (), strict=False):
            tensor._raw_data = payload

    @property
    def use_binary_outputs(self) -> bool:
        """Whether the caller wants every output in binary."""
        return bool(plain(self.parameters).get("binary_data_output"))

    @classmethod
    def from_grpc(cls, request: Any) -> Self:
        """Read a ModelInferRequest."""
        from kserve_lite_server.sdk import grpc_messages

        return grpc_messages.request(cls, request)

    @classmethod
    def from_bytes(cls, req_bytes: bytes, json_length: int, model_name: str) -> Self:
        """Read a REST body: `json_length` bytes of JSON, then binary tensors.

        Raises `InvalidInput` or `ServeError` with the tensor at fault.
        """
        value = _object(req_bytes[:json_length])
        inputs, rest = _tensors(InferInput, value, "inputs", req_bytes[json_length:])
        if rest:
            raise InvalidInput(f"{len(rest)} bytes follow the last tensor")
        if not inputs:
            raise InvalidInput('the request needs "inputs": a list of at least one tensor')
        outputs = value.get("outputs")
        if not isinstance(outputs, list | None) or not all(
            isinstance(output, dict) and isinstance(output.get("name"), str) for output in outputs or ()
        ):
            raise InvalidInput('"outputs" must be a list of objects with a name')
        if not isinstance(value.get("id"), str | None):
            raise InvalidInput('"id" must be a string')
        return cls(
            model_name,
            inputs,
            request_id=value.get("id"),
            parameters=_parameters(value, "the request"),
            request_outputs=[RequestedOutput(o["name"], _parameters(o, o["name"])) for o in outputs]
            if outputs
            else None,
        )

    def to_rest(self) -> tuple[bytes | dict[str, Any], int | None]:
        """The request as JSON value, or as bytes with the length of their JSON when a tensor is raw."""
        payloads: list[bytes] = []
        value: dict[str, Any] = {
            "id": self.id or str(uuid.uuid4()),
            "model_name": self.model_name,
            "inputs": [_written(tensor, payloads) for tensor in self.inputs],
        }
        if self.request_outputs:
            value["outputs"] = [
                {
                    "name": output.name,
                    **({"parameters": given} if (given := plain(output.parameters)) else {}),
                }
                for output in self.request_outputs
            ]
        if given := plain(self.parameters):
            value["parameters"] = given
        return _joined(value, payloads)

    def to_grpc(self) -> Any:
        """The request as ModelInferRequest."""
        from kserve_lite_server.sdk import grpc_messages

        return grpc_messages.to_request(self)

    def as_dataframe(self) -> Any:
        """One column a tensor."""
        import pandas as pd

        columns = {
            tensor.name: tensor.as_string() if tensor.datatype == "BYTES" else tensor.as_numpy().reshape(-1)
            for tensor in self.inputs
        }
        return pd.DataFrame(columns)

    def get_input_by_name(self, name: str) -> InferInput | None:
        """The tensor of that name, if there is one."""
        return next((tensor for tensor in self.inputs if tensor.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Every field as a plain value."""
        return {
            "id": self.id,
            "model_name": self.model_name,
            "inputs": [tensor.to_dict() for tensor in self.inputs],
            "parameters": self.parameters,
            "from_grpc": self.from_grpc,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InferRequest) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"InferRequest({self.to_dict()})"


class InferResponse:
    """A V2 response, to REST or gRPC."""

    def __init__(
        self,
        response_id: str | None,
        model_name: str,
        infer_outputs: list[InferOutput],
        model_version: str | None = None,
        raw_outputs: Sequence[bytes] | None = None,
        from_grpc: bool | None = False,
        parameters: Parameters = None,
        use_binary_outputs: bool | None = False,
        requested_outputs: list[RequestedOutput] | None = None,
    ) -> None:
        self.id = response_id
        self.model_name = model_name
        self.model_version = model_version
        self.outputs = infer_outputs
        self.parameters: Any = {} if parameters is None else parameters
        self.from_grpc = from_grpc  # type: ignore[method-assign, assignment]  # KServe's name for both
        self._use_binary_outputs = bool(use_binary_outputs)
        self._requested_outputs = requested_outputs
        for tensor, payload in zip(infer_outputs, raw_outputs or (), strict=False):
            tensor._raw_data = payload

    @classmethod
    def from_grpc(cls, response: Any) -> Self:
        """Read a ModelInferResponse."""
        from kserve_lite_server.sdk import grpc_messages

        return grpc_messages.response(cls, response)

    @classmethod
    def from_rest(cls, response: Mapping[str, Any]) -> Self:
        """Read a JSON value. Raises `InvalidInput` with what is missing."""
        return cls._read(response, b"")

    @classmethod
    def from_bytes(cls, res_bytes: bytes, json_length: int) -> Self:
        """Read a REST body: `json_length` bytes of JSON, then binary tensors."""
        return cls._read(_object(res_bytes[:json_length]), res_bytes[json_length:])

    @classmethod
    def _read(cls, value: Mapping[str, Any], payload: bytes) -> Self:
        outputs, _ = _tensors(InferOutput, value, "outputs", payload)
        return cls(
            value.get("id"),
            value.get("model_name") or "",
            outputs,
            model_version=value.get("model_version"),
            parameters=_parameters(value, "the response"),
        )

    def to_rest(self) -> tuple[bytes | dict[str, Any], int | None]:
        """The response as JSON value, or as bytes with the length of their JSON when a tensor is in binary."""
        payloads: list[bytes] = []
        wanted: Sequence[tuple[InferOutput, bool | None]] = [(tensor, None) for tensor in self.outputs]
        if self._requested_outputs:
            wanted = [(self._named(output.name), output.binary_data) for output in self._requested_outputs]
        for tensor, binary in wanted:
            if tensor.data is None and tensor._raw_data is None:
                raise InvalidInput(f"output {tensor.name!r} of model {self.model_name} has no data")
            tensor.set_data_from_numpy(
                tensor.as_numpy(), binary_data=self._use_binary_outputs if binary is None else binary
            )
        value: dict[str, Any] = {
            "id": self.id,
            "model_name": self.model_name,
            "model_version": self.model_version,
            "outputs": [_written(tensor, payloads) for tensor, _ in wanted],
        }
        if given := plain(self.parameters):
            value["parameters"] = given
        return _joined(value, payloads)

    def to_grpc(self) -> Any:
        """The response as ModelInferResponse."""
        from kserve_lite_server.sdk import grpc_messages

        return grpc_messages.to_response(self)

    def get_output_by_name(self, name: str) -> InferOutput | None:
        """The tensor of that name, if there is one."""
        return next((tensor for tensor in self.outputs if tensor.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Every field as a plain value."""
        return {
            "id": self.id,
            "model_name": self.model_name,
            "outputs": [tensor.to_dict() for tensor in self.outputs],
            "parameters": self.parameters,
            "from_grpc": self.from_grpc,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InferResponse) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"InferResponse({self.to_dict()})"

    def _named(self, name: str) -> InferOutput:
        if (found := self.get_output_by_name(name)) is None:
            known = ", ".join(tensor.name for tensor in self.outputs)
            raise InvalidInput(
                f"Unexpected inference output {name!r} for model {self.model_name}; it has {known}"
            )
        return found


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"Unrecognized request format: {error}") from None
    if not isinstance(value, dict):
        raise InvalidInput("the body must be a JSON object")
    return value


def _tensors(kind: type[T], value: Mapping[str, Any], field: str, payload: bytes) -> tuple[list[T], bytes]:
    """Read the tensors of a message and what of `payload` follows theirs."""
    items = value.get(field)
    if not isinstance(items, list):
        raise InvalidInput(f'"{field}" must be a list of tensors')
    tensors = []
    for index, item in enumerate(items):
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str) or not name:
            raise InvalidInput(f"{field}[{index}] needs a name")
        datatype, shape = check_datatype(item.get("datatype"), name), check_shape(item.get("shape"), name)
        tensor = kind(name, shape, datatype, item.get("data"), _parameters(item, name))
        tensors.append(tensor)
        size = (tensor.parameters or {}).get(BINARY_SIZE)
        if size is None:
            if not isinstance(tensor.data, list):
                raise InvalidInput(f'tensor {name!r} needs "data": a list')
            check_count(tensor)
        elif type(size) is not int or not 0 <= size <= len(payload):
            raise InvalidInput(f"tensor {name!r} should have {size} bytes, {len(payload)} follow")
        else:
            tensor._raw_data, payload = payload[:size], payload[size:]
            tensor.set_data_from_numpy(tensor.as_numpy(), binary_data=False)
    return tensors, payload


def _parameters(value: Mapping[str, Any], owner: str) -> dict[str, Any] | None:
    parameters = value.get("parameters")
    if not isinstance(parameters, dict | None):
        raise InvalidInput(f"{owner}: parameters must be an object")
    return parameters


def _written(tensor: Tensor, payloads: list[bytes]) -> dict[str, Any]:
    """One tensor as JSON value; raw bytes go to `payloads`."""
    if isinstance(tensor.data, np.ndarray):
        tensor.set_data_from_numpy(tensor.data, binary_data=False)
    if tensor.data is None and tensor._raw_data is None:
        raise InvalidInput(f"tensor {tensor.name!r} has no data")
    value: dict[str, Any] = {"name": tensor.name, "shape": tensor.shape, "datatype": tensor.datatype}
    if given := plain(tensor.parameters):
        value["parameters"] = given
    if tensor._raw_data is not None:
        payloads.append(tensor._raw_data)
        value["parameters"] = {**value.get("parameters", {}), BINARY_SIZE: len(tensor._raw_data)}
    else:
        value["data"] = [text(x) if isinstance(x, bytes) else x for x in tensor.data]
    return value


def _joined(value: dict[str, Any], payloads: list[bytes]) -> tuple[bytes | dict[str, Any], int | None]:
    if not payloads:
        return value, None
    head = orjson.dumps(value)
    return b"".join([head, *payloads]), len(head)
