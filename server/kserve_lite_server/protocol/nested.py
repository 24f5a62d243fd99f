"""What a method returned (array, sparse matrix, data frame, list) to values that the JSON writer takes."""

import math
from typing import Any

import numpy as np


def to_json(value: Any, nan: str) -> Any:
    """Nested lists or a contiguous array; a data frame gives one object a row; NaN as `nan` says (string or
    null)."""
    if hasattr(value, "toarray"):  # any scipy.sparse matrix or array
        value = value.toarray()
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        columns = {str(name): to_json(value[name].to_numpy(), nan) for name in value.columns}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    array = np.asarray(value)
    if array.dtype.kind == "f":
        return _floats(array, nan)
    if array.dtype.kind in "iub":
        return _native(array)
    if array.dtype.kind == "M":
        return np.datetime_as_string(array).tolist()
    return _objects(array.tolist(), nan)


def _floats(array: np.ndarray, nan: str) -> Any:
    if array.dtype == np.longdouble:
        array = array.astype(np.float64)
    if np.isfinite(array).all():
        return _native(array)
    return _objects(array.tolist(), nan)


def _native(array: np.ndarray) -> Any:
    """As the JSON writer takes arrays: contiguous and in this machine's byte order."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("=")) if array.ndim else array.item()


def _objects(value: Any, nan: str) -> Any:
    if isinstance(value, list):
        return [_objects(item, nan) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return written(value) if nan == "string" else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, np.generic):
        return _objects(value.item(), nan)
    return value


def written(value: float) -> str:
    """The string for a number that JSON has no word for."""
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
