"""From a V2 request to a call and from the answer to a V2 response, for every front door that speaks V2."""

import base64
import binascii
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.protocol.call import Call, Columns, Rows
from kserve_lite_server.protocol.tensors import Tensor, from_result
from kserve_lite_server.protocol.v2 import InferRequest, InferResponse

CONTENT_TYPES = ("np", "pd", "str", "base64")
REQUEST_PARAMETERS = ("content_type", "nan", "binary_data_output")
INPUT_PARAMETERS = ("content_type", "binary_data_size")
CLASSES = "classes"


def to_call(request: InferRequest, offered: Sequence[str], own: str, features: Sequence[str] | None) -> Call:
    """The call that a request asks for.

    `offered` are the model's methods, `own` the one that answers when none is named, `features` its columns.
    Tensors become columns when the request says so (content_type pd) or when each is a column of the model.
    """
    wanted = [output.name for output in request.outputs]
    methods = [name for name in wanted if name in offered]
    if any(name not in offered and name != CLASSES for name in wanted) or not methods:
        methods.append(own)
    if request.parameters.get("nan", "null") not in ("string", "null"):
        raise invalid('parameter "nan" must be "string" or "null"')
    return Call(
        _rows(request, features), tuple(dict.fromkeys(methods)), request.parameters, _ignored(request)
    )


def to_response(
    request: InferRequest,
    answer: Mapping[str, Any],
    own: str,
    model: str,
    version: str | None = None,
    classes: Any = None,
) -> InferResponse:
    """The response to a request: all of the model's own outputs, or those that were asked for, in that order."""
    tensors = own_outputs(answer[own]) if own in answer else {}
    if request.outputs:
        tensors = {
            name: tensor
            for output in request.outputs
            for name, tensor in _named(output.name, tensors, answer, classes)
        }
    return InferResponse(model, list(tensors.values()), request.id or str(uuid.uuid4()), version)


def _rows(request: InferRequest, features: Sequence[str] | None) -> Rows:
    content_type = request.parameters.get("content_type")
    if content_type is not None and content_type not in CONTENT_TYPES:
        raise invalid(f"content_type {content_type!r} is not known; known are {', '.join(CONTENT_TYPES)}")
    tensors = [_decoded(tensor, content_type) for tensor in request.inputs]
    if content_type == "pd" or _are_columns(tensors, features):
        return _columns(tensors)
    if len(tensors) > 1:
        names = ", ".join(tensor.name for tensor in tensors)
        raise invalid(
            f"the model takes one tensor, got {len(tensors)} ({names}); to send one tensor a column, name them as the "
            "model's columns or set the request's parameter content_type to \"pd\""
        )
    array = tensors[0].array
    if array.ndim == 0 or len(array) == 0:
        raise invalid(f"tensor {tensors[0].name!r} has no rows")
    return array


def _are_columns(tensors: Sequence[Tensor], features: Sequence[str] | None) -> bool:
    return features is not None and all(tensor.name in features for tensor in tensors)


def _columns(tensors: Sequence[Tensor]) -> Columns:
    arrays = {}
    for tensor in tensors:
        array = tensor.array
        if array.ndim != 1 and (array.ndim != 2 or array.shape[1] != 1):
            raise invalid(
                f"tensor {tensor.name!r} has shape {list(array.shape)}; a column has shape [n] or [n, 1]"
            )
        arrays[tensor.name] = array.reshape(-1)
    first = tensors[0]
    for tensor in tensors:
        if len(tensor.array) != len(first.array):
            raise invalid(
                f"tensor {tensor.name!r} has {len(tensor.array)} rows, tensor {first.name!r} has {len(first.array)}"
            )
    if len(first.array) == 0:
        raise invalid(f"tensor {first.name!r} has no rows")
    return Columns(arrays)


def _decoded(tensor: Tensor, content_type: Any) -> Tensor:
    own = tensor.parameters.get("content_type", content_type)
    if own not in (None, *CONTENT_TYPES):
        raise invalid(
            f"tensor {tensor.name!r}: content_type {own!r} is not known; known are {', '.join(CONTENT_TYPES)}"
        )
    if own in ("str", "base64") and tensor.datatype != "BYTES":
        raise invalid(
            f"tensor {tensor.name!r}: content_type {own} goes with datatype BYTES, not {tensor.datatype}"
        )
    if own != "base64":
        return tensor
    try:
        texts = [base64.b64decode(item, validate=True).decode() for item in tensor.array.flat]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise invalid(f"tensor {tensor.name!r} has an element that is not base64 of UTF-8 text") from None
    return Tensor(tensor.name, np.array(texts, dtype=object).reshape(tensor.array.shape), tensor.parameters)


def own_outputs(result: Any) -> dict[str, Tensor]:
    """As KServe names them: output-0, …; or the columns of a data frame."""
    if hasattr(result, "columns") and hasattr(result, "to_dict"):
        return {str(name): from_result(str(name), result[name]) for name in result.columns}
    parts = result if isinstance(result, list) and result and isinstance(result[0], np.ndarray) else [result]
    return {f"output-{index}": from_result(f"output-{index}", part) for index, part in enumerate(parts)}


def _named(
    name: str, own: Mapping[str, Tensor], answer: Mapping[str, Any], classes: Any
) -> list[tuple[str, Tensor]]:
    if name in own:
        return [(name, own[name])]
    if name == CLASSES and classes is not None:
        return parts(name, classes)
    if name in answer:
        return parts(name, answer[name])
    known = ", ".join(
        [*own, *(other for other in answer if other not in own), *([CLASSES] if classes is not None else [])]
    )
    raise ServeError(
        "unknown_output", f"the model has no output {name!r}; it has {known} and its other methods' names"
    )


def parts(name: str, result: Any) -> list[tuple[str, Tensor]]:
    """One tensor, or one for each of a multi-output model's parts."""
    if isinstance(result, list) and result and isinstance(result[0], np.ndarray):
        names = [f"{name}-{index}" for index in range(len(result))]
        return [(part, from_result(part, array)) for part, array in zip(names, result, strict=True)]
    return [(name, from_result(name, result))]


def _ignored(request: InferRequest) -> tuple[str, ...]:
    """Fields and parameters that mean nothing to this server."""
    inputs = [name for tensor in request.inputs for name in tensor.parameters if name not in INPUT_PARAMETERS]
    own = [name for name in request.parameters if name not in REQUEST_PARAMETERS]
    return (*request.ignored, *own, *inputs)
