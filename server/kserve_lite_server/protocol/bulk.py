"""Large bodies that hold nothing but numbers: from JSON's text straight to an array, without a Python object a number.

Only what is certainly read as the usual way reads it is read here; for everything else the answer is None, and the
usual way reads it again, or refuses it with the place.
"""

import math
from typing import Any

import numpy as np

SMALLEST = 32 * 1024  # bytes; below that, starting the parser costs more than it saves
ROWS = "instances"
TENSOR = {"name", "shape", "datatype", "data"}


def read_rows(body: bytes) -> np.ndarray | None:
    """The rows of a V1 request that has only `instances`, a list of equally long lists of numbers."""
    if len(body) < SMALLEST or (parsed := _parsed(body)) is None:
        return None
    try:
        if list(parsed.keys()) != [ROWS]:
            return None
        rows = parsed[ROWS]
        lengths = {len(row) for row in rows}
        values = _numbers(rows)
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
    # A bracket for each row and one around them: no list inside of a row, and none beside the rows.
    if len(lengths) != 1 or body.count(b"[") != len(rows) + 1 or not values.size:
        return None
    whole = values[0].is_integer() and np.array_equal(
        values, np.rint(values)
    )  # the usual way may make these an array of whole numbers
    return None if whole else values.reshape(len(rows), -1)


def read_tensor(body: bytes | memoryview) -> tuple[str, str, np.ndarray] | None:
    """Id, name and values of a V2 request that has only one flat tensor of FP64."""
    if len(body) < SMALLEST or (parsed := _parsed(bytes(body))) is None:
        return None
    try:
        if not {"inputs"} <= set(parsed.keys()) <= {"id", "inputs"} or len(parsed["inputs"]) != 1:
            return None
        tensor = parsed["inputs"][0]
        if set(tensor.keys()) != TENSOR or len(tensor) != len(TENSOR) or tensor["datatype"] != "FP64":
            return None
        id, name, shape = parsed.get("id", ""), tensor["name"], tensor["shape"].as_list()
        values = _numbers(tensor["data"])
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
    flat = bytes(body).count(b"[") == 3  # inputs, shape, data
    sized = all(type(part) is int and part > 0 for part in shape) and math.prod(shape) == values.size
    named = type(id) is str and type(name) is str and name and len(parsed) == len(set(parsed.keys()))
    return (id, name, values.reshape(shape)) if flat and sized and named else None


def _parsed(body: bytes) -> Any:
    import simdjson  # only large bodies pay for it

    try:
        parsed = simdjson.Parser().parse(body)
    except (ValueError, RuntimeError):
        return None
    return parsed if isinstance(parsed, simdjson.Object) else None


def _numbers(array: Any) -> np.ndarray:
    """All numbers of an array and the arrays in it, in their order. Raises when there is anything else."""
    return np.frombuffer(array.as_buffer(of_type="d"), np.float64)
