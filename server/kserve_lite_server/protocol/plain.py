"""The usual form of a request and a reply, read and written in one go: rows of numbers in, an array of numbers out.

Each function gives exactly what the long way gives (`v1`, `v2`, `inference`), or None where it is not certain of that;
then the long way reads again and refuses with the place. Tests hold the two against each other.
"""

import math
import uuid
from typing import Any

import numpy as np
import orjson

from kserve_lite_server.protocol.bulk import SMALLEST
from kserve_lite_server.protocol.datatypes import DTYPES, NAMES

NUMBERS = "biuf"
MEASURES = "iuf"  # of which every pattern of bits is a value
TENSOR = {content: {"name", "shape", "datatype", content} for content in ("data", "parameters")}
FEW = 16
ONE = (1,)
SINGLE = (
    b'{"model_name":%b,"model_version":%b,"id":%b,"parameters":null,"outputs":[{"name":"output-0","shape":[1],'
    b'"datatype":"%b","parameters":null,"data":[%b]}]}'
)
EXACT = {np.dtype(np.float64), np.dtype(np.int64)}  # whose elements Python writes as they are


def read_v1(body: bytes) -> np.ndarray | None:
    """The rows of `{"instances": [[number, …], …]}`."""
    if len(body) >= SMALLEST:
        return None
    try:
        request = orjson.loads(body)
        if type(request) is not dict or len(request) != 1:
            return None
        rows = request.get("instances")
        if type(rows) is not list or not rows or type(rows[0]) is not list:
            return None
        array = np.asarray(rows)
    except ValueError:  # no JSON, or rows of different lengths
        return None
    return array if array.dtype.kind in NUMBERS and array.size else None


def read_v2(body: bytes, features: Any) -> tuple[np.ndarray, str] | None:
    """Rows and id of a request with one input of numbers that is not a column of the model's `features`."""
    if (found := _tensor(body, "data", features)) is None:
        return None
    datatype, shape, data, id = found
    if type(data) is not list or (array := _array(data)) is None or array.dtype != datatype:
        return None
    if array.size != math.prod(shape):
        return None
    return (array.reshape(shape), id) if array.ndim == 1 or array.shape == tuple(shape) else None


def read_v2_binary(body: bytes, json_length: int, features: Any) -> tuple[np.ndarray, str] | None:
    """The same when the numbers are raw bytes behind `json_length` bytes of JSON."""
    if (found := _tensor(body[:json_length], "parameters", features)) is None:
        return None
    datatype, shape, parameters, id = found
    size = len(body) - json_length
    if datatype.kind not in MEASURES or parameters != {"binary_data_size": size}:
        return None
    if type(parameters["binary_data_size"]) is not int or math.prod(shape) * datatype.itemsize != size:
        return None
    rows = np.frombuffer(body, datatype.newbyteorder("<"), offset=json_length)
    return rows.astype(datatype, copy=False).reshape(shape), id


def write_v1(result: Any) -> bytes | None:
    """The reply with the predictions."""
    if (value := _single(result)) is not None:
        return b'{"predictions":[%b]}' % value
    if not _written_as_it_is(result):
        return None
    return orjson.dumps({"predictions": result}, option=orjson.OPT_SERIALIZE_NUMPY)


def write_v2(result: Any, model: str, version: str | None, id: str) -> bytes | None:
    """The reply with one output."""
    if (value := _single(result)) is not None:
        named = (orjson.dumps(model), orjson.dumps(version), orjson.dumps(id or str(uuid.uuid4())))
        return SINGLE % (*named, NAMES[result.dtype].encode(), value)
    if not _written_as_it_is(result):
        return None
    output = {
        "name": "output-0",
        "shape": result.shape,
        "datatype": NAMES[result.dtype],
        "parameters": None,
        "data": result.reshape(-1),
    }
    reply = {
        "model_name": model,
        "model_version": version,
        "id": id or str(uuid.uuid4()),
        "parameters": None,
        "outputs": [output],
    }
    return orjson.dumps(reply, option=orjson.OPT_SERIALIZE_NUMPY)


def _tensor(body: bytes, content: str, features: Any) -> tuple[np.dtype, list[int], Any, str] | None:
    """Datatype, shape and `content` of the only tensor of a request, and the request's id."""
    request = _object(body)
    if request is None:
        return None
    id, inputs = request.get("id", ""), request.get("inputs")
    if type(id) is not str or type(inputs) is not list or len(request) != 1 + ("id" in request):
        return None
    if len(inputs) != 1 or type(tensor := inputs[0]) is not dict or tensor.keys() != TENSOR[content]:
        return None
    name, shape, datatype = tensor["name"], tensor["shape"], tensor["datatype"]
    if type(name) is not str or not name or (features is not None and name in features):
        return None
    if type(datatype) is not str or datatype not in DTYPES or type(shape) is not list or not shape:
        return None
    for size in shape:
        if type(size) is not int or size <= 0:
            return None
    return DTYPES[datatype], shape, tensor[content], id


def _object(body: bytes) -> dict[str, Any] | None:
    if len(body) >= SMALLEST:
        return None
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return request if type(request) is dict else None


def _array(values: list[Any]) -> np.ndarray | None:
    try:
        array = np.asarray(values)
    except ValueError:
        return None
    return array if array.dtype.kind in NUMBERS and array.size else None


def _single(result: Any) -> bytes | None:
    """One number as JSON has it: what most replies are, written at a third of the price."""
    if type(result) is not np.ndarray or result.shape != ONE or result.dtype not in EXACT:
        return None
    value = result.item()
    return orjson.dumps(value) if math.isfinite(value) else None


def _written_as_it_is(result: Any) -> bool:
    """Whether the JSON writer takes it: whole numbers, or floats without a NaN, in this machine's order."""
    if type(result) is not np.ndarray or not result.ndim or result.dtype not in NAMES:
        return False
    if not result.flags.c_contiguous or not result.dtype.isnative:
        return False
    kind = result.dtype.kind
    return kind in "iub" or (kind == "f" and _finite(result))


def _finite(result: np.ndarray) -> bool:
    """Whether no element is a NaN or infinite; for a few of them Python is quicker than NumPy's own look."""
    if result.size <= FEW:
        return all(map(math.isfinite, result.ravel().tolist()))
    return bool(np.isfinite(result).all())
