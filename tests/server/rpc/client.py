"""A gRPC client for the tests: the stubs that NVIDIA's tritonclient ships, so that ours are not their own judge."""

import queue
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from tests.server.process import Server, serving

CONTENTS = {
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    **{
        datatype: f"{datatype.lower()}_contents"
        for datatype in ("BOOL", "INT64", "UINT64", "FP32", "FP64", "BYTES")
    },
}
DTYPES = {
    "BOOL": "bool",
    **{f"{sign}INT{bits}": f"{sign.lower()}int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)},
}


@dataclass
class Both:
    """One running server with both of its doors."""

    rest: Server
    channel: grpc.Channel
    port: int

    @property
    def stub(self) -> Any:
        return GRPCInferenceServiceStub(self.channel)

    def infer(self, request: Any, timeout: float = 30) -> Any:
        return self.stub.ModelInfer(request, timeout=timeout)


options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@contextmanager
def both(model_dir: Path, *flags: str, env: dict[str, str] | None = None) -> Iterator[Both]:
    """Start a server with gRPC on a free port, and a channel to it."""
    with serving(model_dir, "--enable_grpc=true", "--grpc_port=0", *flags, env=env) as server:
        port = grpc_port(server)
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            yield Both(server, channel, port)


def follow(watch: Any, told: "queue.Queue[int]") -> None:
    """Hand on each state of health that a stream tells, until it ends."""
    try:
        for response in watch:
            told.put(response.status)
    except grpc.RpcError:
        pass


def grpc_port(server: Server) -> int:
    """The port that the server says it took."""
    # Every worker says it, of one port.
    (port,) = set(re.findall(r"serving gRPC on 127\.0\.0\.1:(\d+)", server.log()))
    return int(port)


@dataclass
class Input:
    """A tensor to send, in whichever form."""

    name: str
    datatype: str
    array: np.ndarray
    parameters: Mapping[str, Any] | None = None

    @property
    def raw(self) -> bytes:
        if self.datatype != "BYTES":
            return self.array.astype(DTYPES[self.datatype]).tobytes()
        items = [str(item).encode() for item in self.array.flat]
        return b"".join(struct.pack("<I", len(item)) + item for item in items)

    @property
    def elements(self) -> list[Any]:
        if self.datatype == "BYTES":
            return [str(item).encode() for item in self.array.flat]
        flat: list[Any] = self.array.astype(DTYPES[self.datatype]).reshape(-1).tolist()
        return flat


def request(
    model: str,
    inputs: Sequence[Input],
    outputs: Sequence[str] = (),
    *,
    raw: bool,
    parameters: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Any:
    """A ModelInferRequest, its tensors raw or in typed contents."""
    message = pb.ModelInferRequest(model_name=model, **fields)
    fill(message.parameters, parameters)
    for tensor in inputs:
        added = message.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.array.shape)
        fill(added.parameters, tensor.parameters)
        if raw:
            message.raw_input_contents.append(tensor.raw)
        else:
            getattr(added.contents, CONTENTS[tensor.datatype]).extend(tensor.elements)
    for name in outputs:
        message.outputs.add(name=name)
    return message


def fill(target: Any, parameters: Mapping[str, Any] | None) -> None:
    kinds = {bool: "bool_param", int: "int64_param", str: "string_param", float: "double_param"}
    for name, value in (parameters or {}).items():
        setattr(target[name], kinds[type(value)], value)


def tensors(response: Any) -> dict[str, tuple[str, tuple[int, ...], list[Any]]]:
    """Every output's name with datatype, shape and elements, raw or typed; NaN as a word, so that it equals itself."""
    found = {}
    for index, output in enumerate(response.outputs):
        if response.raw_output_contents:
            assert not output.HasField("contents")
            elements = unpacked(output.datatype, response.raw_output_contents[index])
        else:
            elements = list(getattr(output.contents, CONTENTS[output.datatype]))
        found[output.name] = (output.datatype, tuple(output.shape), comparable(elements))
    return found


def unpacked(datatype: str, payload: bytes) -> list[Any]:
    if datatype != "BYTES":
        values: list[Any] = np.frombuffer(payload, DTYPES[datatype]).tolist()
        return values
    items, position = [], 0
    while position < len(payload):
        (length,) = struct.unpack_from("<I", payload, position)
        items.append(payload[position + 4 : position + 4 + length])
        position += 4 + length
    return items


def comparable(elements: Sequence[Any]) -> list[Any]:
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    texts = [item.decode() if isinstance(item, bytes) else item for item in elements]
    return [words.get(str(item), item) if isinstance(item, float) else item for item in texts]


def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """How a call is refused: code, sentence, trailing metadata."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), error.details(), dict(error.trailing_metadata() or ())
    raise AssertionError("the call was answered")
