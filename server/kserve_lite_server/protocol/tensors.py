"""Tensors of the Open Inference Protocol: from JSON values or raw bytes to arrays, and back."""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.protocol.datatypes import DTYPES, check_datatype, datatype_of
from kserve_lite_server.protocol.nested import to_json
from kserve_lite_server.protocol.rows import SPECIAL, kind

LENGTH = struct.Struct("<I")  # before each BYTES element of a raw tensor


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array; BYTES elements are `str` in an array of objects."""

    name: str
    array: np.ndarray
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def datatype(self) -> str:
        """The protocol's name for the array's dtype."""
        return datatype_of(self.array)


def check_shape(shape: Any, name: str) -> tuple[int, ...]:
    """The shape as a tuple. Raises `ServeError` unless it is a list of whole numbers from 0."""
    if not isinstance(shape, (list, tuple)) or not all(_whole(size) for size in shape):
        raise invalid(f"tensor {name!r} needs a shape: a list of whole numbers from 0, not {shape!r}")
    return tuple(shape)


def from_values(name: str, datatype: str, shape: Any, values: Sequence[Any]) -> np.ndarray:
    """Read JSON values (nested as the shape says, or flat in row-major order) or typed protobuf contents.

    A value that the datatype cannot hold is refused, never rounded into another one.
    """
    dtype = DTYPES[check_datatype(datatype, name)]
    wanted = check_shape(shape, name)
    array = _objects(name, values) if dtype.hasobject else _numbers(name, datatype.upper(), dtype, values)
    if array.size != math.prod(wanted) or (array.ndim != 1 and array.shape != wanted):
        raise invalid(f"tensor {name!r} has shape {list(wanted)}, its data has shape {list(array.shape)}")
    return array.reshape(wanted)


def from_raw(name: str, datatype: str, shape: Any, payload: bytes | memoryview) -> np.ndarray:
    """Read raw bytes (little-endian, row-major; each BYTES element a 4-byte length, then that many bytes)."""
    dtype = DTYPES[check_datatype(datatype, name)]
    wanted = check_shape(shape, name)
    count = math.prod(wanted)
    if dtype.hasobject:
        return _read_strings(name, payload, count).reshape(wanted)
    if len(payload) != count * dtype.itemsize:
        raise invalid(
            f"tensor {name!r} with datatype {datatype} and shape {list(wanted)} needs {count * dtype.itemsize} bytes, "
            f"got {len(payload)}"
        )
    if dtype == np.bool_:
        flags = np.frombuffer(payload, np.uint8)
        if (flags > 1).any():
            raise invalid(f"tensor {name!r} with datatype BOOL has a byte that is neither 0 nor 1")
    return np.frombuffer(payload, dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(wanted)


def from_result(name: str, result: Any) -> Tensor:
    """The tensor of what a method returned: sparse matrices in full, labels of any type as BYTES or numbers."""
    if hasattr(result, "toarray"):
        result = result.toarray()
    array = np.asarray(result.to_numpy() if hasattr(result, "to_numpy") else result)
    if array.dtype.kind == "M":
        array = np.datetime_as_string(array).astype(object)
    elif array.dtype.kind in "US":
        array = array.astype(str).astype(object)
    elif array.dtype.kind == "O":
        array = _plain(array)
    elif array.dtype == np.longdouble:
        array = array.astype(np.float64)
    return Tensor(name, array)


def to_values(array: np.ndarray, nan: str) -> Any:
    """Flat values in row-major order, as the JSON writer takes them; NaN as `nan` says ("string" or "null")."""
    return to_json(array.reshape(-1), nan)


def to_raw(array: np.ndarray) -> bytes:
    """Raw bytes of an array, the reverse of `from_raw`."""
    if array.dtype != object:
        return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    parts = []
    for item in array.flat:
        encoded = str(item).encode()
        parts += [LENGTH.pack(len(encoded)), encoded]
    return b"".join(parts)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _objects(name: str, values: Sequence[Any]) -> np.ndarray:
    try:
        array = np.array(values, dtype=object)
    except ValueError:
        raise _ragged(name) from None
    for item in array.flat:
        if isinstance(item, (list, dict)):
            raise _ragged(name)
        if isinstance(item, bytes):
            return np.array([_text(name, part) for part in array.flat], dtype=object).reshape(array.shape)
        if not isinstance(item, str):
            raise invalid(f"tensor {name!r} with datatype BYTES takes strings, got {kind(item)}")
    return array


def _numbers(name: str, datatype: str, dtype: np.dtype, values: Sequence[Any]) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:
        raise _ragged(name) from None
    if array.dtype == dtype:
        return array
    if array.size == 0:
        return array.astype(dtype)
    if dtype.kind == "f":
        return _floats(name, datatype, dtype, array, values)
    if dtype.kind == "b":
        return _booleans(name, array)
    return _integers(name, datatype, dtype, array, values)


def _floats(
    name: str, datatype: str, dtype: np.dtype, array: np.ndarray, values: Sequence[Any]
) -> np.ndarray:
    if array.dtype.kind not in "iuf":
        array = np.array(values, dtype=object)
        array = np.array([_float(name, datatype, item) for item in array.flat]).reshape(array.shape)
    with np.errstate(over="ignore"):
        narrow = array.astype(dtype)
    if array.dtype.kind == "f" and (np.isinf(narrow) & np.isfinite(array)).any():
        raise invalid(f"tensor {name!r} has a value beyond the range of {datatype}")
    return narrow


def _float(name: str, datatype: str, item: Any) -> float:
    if item is None:
        return math.nan
    if isinstance(item, str) and item in SPECIAL:
        return SPECIAL[item]
    if isinstance(item, (int, float)) and not isinstance(item, bool):
        return float(item)
    if isinstance(item, (list, dict)):
        raise _ragged(name)
    raise invalid(f"tensor {name!r} with datatype {datatype} takes numbers, got {_shown(item)}")


def _integers(
    name: str, datatype: str, dtype: np.dtype, array: np.ndarray, values: Sequence[Any]
) -> np.ndarray:
    bounds = np.iinfo(dtype)
    if array.dtype.kind not in "iu":
        # Floats, text, null, or integers too far apart for one NumPy type: look at each as it came.
        items = np.array(values, dtype=object)
        array = np.array([_integer(name, datatype, item) for item in items.flat], dtype=object).reshape(
            items.shape
        )
    if int(array.min()) < bounds.min or int(array.max()) > bounds.max:
        raise invalid(
            f"tensor {name!r} has a value beyond the range of {datatype} ({bounds.min} to {bounds.max})"
        )
    return array.astype(dtype)


def _integer(name: str, datatype: str, item: Any) -> int:
    if isinstance(item, int) and not isinstance(item, bool):
        return item
    if isinstance(item, float) and item.is_integer():
        return int(item)
    if isinstance(item, (list, dict)):
        raise _ragged(name)
    raise invalid(f"tensor {name!r} with datatype {datatype} takes whole numbers, got {_shown(item)}")


def _booleans(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "iu" and ((array == 0) | (array == 1)).all():
        return array.astype(np.bool_)
    raise invalid(f"tensor {name!r} with datatype BOOL takes true and false")


def _read_strings(name: str, payload: bytes | memoryview, count: int) -> np.ndarray:
    view = memoryview(payload)
    if count > len(view) // LENGTH.size:
        raise _cut(name, count, 0)
    array = np.empty(count, dtype=object)
    position = 0
    for index in range(count):
        end = position + LENGTH.size
        if end > len(view):
            raise _cut(name, count, index)
        (length,) = LENGTH.unpack_from(view, position)
        if end + length > len(view):
            raise _cut(name, count, index)
        array[index] = _text(name, view[end : end + length])
        position = end + length
    if position != len(view):
        raise invalid(f"tensor {name!r} has {len(view) - position} bytes after its {count} elements")
    return array


def _cut(name: str, count: int, index: int) -> ServeError:
    return invalid(f"tensor {name!r} with datatype BYTES ends within element {index} of {count}")


def _text(name: str, payload: bytes | memoryview) -> str:
    try:
        return str(payload, "utf-8")
    except UnicodeDecodeError:
        raise invalid(f"tensor {name!r} with datatype BYTES has an element that is not UTF-8 text") from None


def _plain(array: np.ndarray) -> np.ndarray:
    """Objects that are all numbers as numbers; else as text."""
    natural = np.array(array.tolist())
    if natural.dtype.kind in "biuf" and natural.shape == array.shape:
        return natural
    text = [item.decode() if isinstance(item, bytes) else str(item) for item in array.flat]
    return np.array(text, dtype=object).reshape(array.shape)


def _ragged(name: str) -> ServeError:
    return invalid(f"tensor {name!r} has rows of different lengths")


def _shown(item: Any) -> str:
    return repr(item)[:40] if isinstance(item, (str, float)) else kind(item)
