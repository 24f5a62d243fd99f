"""KServe's V1 protocol: `{"instances": rows}` to a call, a result to `{"predictions": rows}`."""

from typing import Any

import numpy as np
import orjson

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.protocol import bulk
from kserve_lite_server.protocol.call import Call
from kserve_lite_server.protocol.nested import to_json
from kserve_lite_server.protocol.rows import kind, read_rows


def decode(body: bytes) -> Call:
    """Read a V1 request. Raises `ServeError` with what is wrong and where."""
    if (rows := bulk.read_rows(body)) is not None:
        return Call(rows)
    request = _object(body)
    given = [key for key in ("instances", "inputs") if key in request]
    if not given:
        raise invalid('the request needs "instances" (or "inputs"): a list of rows or an object of columns')
    if len(given) == 2:
        raise invalid('the request has both "instances" and "inputs"; send one of them')
    parameters = request.get("parameters", {})
    if not isinstance(parameters, dict):
        raise invalid(f'"parameters" must be an object, not {kind(parameters)}')
    if parameters.get("nan", "null") not in ("string", "null"):
        raise invalid('"parameters".nan must be "string" or "null"')
    ignored = tuple(key for key in request if key not in ("instances", "inputs", "parameters"))
    return Call(read_rows(request[given[0]], given[0]), parameters=parameters, ignored=ignored)


def encode(result: Any, nan: str = "string") -> bytes:
    """Write what a method returned: one prediction a row.

    `nan` says how NaN and Infinity are written: as the strings "NaN", "Infinity", "-Infinity", or as null.
    A list of arrays (multi-output `predict_proba`) becomes, row by row, the list of each array's row.
    """
    if isinstance(result, list) and result and isinstance(result[0], np.ndarray):
        parts = [to_json(array, nan) for array in result]
        predictions: Any = [[part[row] for part in parts] for row in range(len(parts[0]))]
    else:
        predictions = to_json(result, nan)
    return orjson.dumps({"predictions": predictions}, option=orjson.OPT_SERIALIZE_NUMPY)


def _object(body: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ServeError("invalid_json", f"the body is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise invalid(f"the body must be a JSON object, not {kind(request)}")
    return request
