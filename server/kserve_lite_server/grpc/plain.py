"""The usual ModelInfer, read and written in one go: one tensor of raw numbers in, an array of numbers out.

Each function gives exactly what the long way gives (`messages`, `inference`), or None where it is not certain of that;
then the long way reads again and refuses with the place. Tests hold the two against each other.
"""

import math
import sys
import uuid
from collections.abc import Container
from typing import Any

import numpy as np

from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.protocol.datatypes import DTYPES, NAMES

NUMBERS = "iuf"
NATIVE = sys.byteorder == "little"  # as raw tensors are; the long way turns them on other machines


def read(request: pb.ModelInferRequest, features: Container[str] | None) -> np.ndarray | None:
    """The rows of a request with one raw input of numbers that is not a column of the model's `features`."""
    inputs, raw = request.inputs, request.raw_input_contents
    if not NATIVE or len(inputs) != 1 or len(raw) != 1 or request.outputs or request.parameters:
        return None
    tensor, data = inputs[0], raw[0]
    name, datatype, shape = tensor.name, tensor.datatype, tuple(tensor.shape)
    if not name or (features is not None and name in features) or tensor.parameters:
        return None
    if datatype not in DTYPES or tensor.HasField("contents"):
        return None
    dtype = DTYPES[datatype]
    if dtype.kind not in NUMBERS or not shape or min(shape) <= 0:
        return None
    if len(data) != math.prod(shape) * dtype.itemsize:
        return None
    return np.frombuffer(data, dtype).reshape(shape)


def write(result: Any, model: str, version: str | None, id: str) -> pb.ModelInferResponse | None:
    """The response with one raw output."""
    if type(result) is not np.ndarray or not result.ndim or result.dtype not in NAMES:
        return None
    if not NATIVE or not result.dtype.isnative or result.dtype.kind not in NUMBERS:
        return None
    message = pb.ModelInferResponse(model_name=model, model_version=version or "", id=id or str(uuid.uuid4()))
    message.outputs.add(name="output-0", datatype=NAMES[result.dtype], shape=result.shape)
    message.raw_output_contents.append(result.tobytes())
    return message
