"""InferInput and InferOutput: named tensors as a model's hooks see them, under KServe's names."""

import math
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from kserve_lite_server.errors import ServeError
from kserve_lite_server.protocol.datatypes import DTYPES, NAMES
from kserve_lite_server.protocol.tensors import LENGTH
from kserve_lite_server.sdk.errors import InferenceError, InvalidInput

Parameters = MutableMapping[str, Any] | None
BINARY_SIZE = "binary_data_size"


class Tensor:
    """A named tensor; `data` are its values as they came (flat, nested, an array), None when they are raw bytes."""

    def __init__(
        self, name: str, shape: Sequence[int], datatype: str, data: Any = None, parameters: Parameters = None
    ) -> None:
        self.name = name
        self.shape = list(shape)
        self.datatype = datatype.upper()
        self.data = data
        self.parameters: Any = {} if parameters is None else parameters
        self._raw_data: bytes | None = None

    def as_numpy(self) -> np.ndarray:
        """The values as an array of `shape`. Raises `InvalidInput` when they do not fit shape or datatype."""
        dtype = DTYPES.get(self.datatype)
        if dtype is None:
            raise InvalidInput(
                f"tensor {self.name!r} has datatype {self.datatype}; known are {', '.join(DTYPES)}"
            )
        try:
            if self._raw_data is None:
                array = np.array(self.data, dtype)
            elif dtype.hasobject:
                array = np.array(unpacked(self._raw_data), object)
            else:
                array = np.frombuffer(self._raw_data, dtype.newbyteorder("<")).astype(dtype, copy=False)
            return array.reshape(self.shape)
        except (ValueError, TypeError, OverflowError) as error:
            raise InvalidInput(f"tensor {self.name!r}: {error}") from None

    def as_string(self) -> list[Any]:
        """The texts of a BYTES tensor. Raises `InvalidInput` for every other."""
        if self.datatype != "BYTES":
            raise InvalidInput(f"tensor {self.name!r} has datatype {self.datatype}, not BYTES")
        if self._raw_data is not None:
            return [text(item) for item in unpacked(self._raw_data)]
        return texts(self.data)

    def set_data_from_numpy(self, tensor: np.ndarray, binary_data: bool = True) -> None:
        """Take the values of an array: as raw bytes, or as a flat list for JSON.

        Raises `InferenceError` when dtype or shape are not those that the tensor was declared with.
        """
        if not isinstance(tensor, np.ndarray):
            raise InferenceError(f"tensor {self.name!r} takes a numpy array, not {type(tensor).__name__}")
        if (given := datatype_of(tensor.dtype)) != self.datatype:
            raise InferenceError(f"tensor {self.name!r} is {self.datatype}, the array is {given}")
        if tuple(self.shape) != tensor.shape:
            raise InferenceError(
                f"tensor {self.name!r} has shape {self.shape}, the array has {list(tensor.shape)}"
            )
        if binary_data:
            self.data, self._raw_data = None, raw(tensor)
            self.parameters = {**(self.parameters or {}), BINARY_SIZE: len(self._raw_data)}
            return
        self._raw_data = None
        self.data = (
            [text(item) for item in tensor.flat] if self.datatype == "BYTES" else tensor.reshape(-1).tolist()
        )
        if self.parameters and BINARY_SIZE in self.parameters:
            del self.parameters[BINARY_SIZE]

    def to_dict(self) -> dict[str, Any]:
        """Every field as a plain value."""
        fields = ("name", "shape", "datatype", "data", "parameters")
        return {field: getattr(self, field) for field in fields}

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is type(self)
            and self.to_dict() == other.to_dict()
            and self._raw_data == other._raw_data
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.to_dict()})"


class InferInput(Tensor):
    """A tensor of a request."""


class InferOutput(Tensor):
    """A tensor of a response."""


def datatype_of(dtype: np.dtype) -> str:
    """The protocol's name for a dtype; text, bytes, objects and dates travel as BYTES."""
    if dtype.kind in "OSUM":
        return "BYTES"
    try:
        return NAMES[dtype.newbyteorder("=")]
    except KeyError:
        raise InferenceError(f"the protocol has no datatype for {dtype}") from None


def raw(array: np.ndarray) -> bytes:
    """Little-endian, row-major bytes of an array; a BYTES element is its length in four bytes, then itself."""
    if array.dtype.kind not in "OSUM":
        return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    parts = []
    for item in array.flat:
        encoded = item if isinstance(item, bytes) else str(item).encode()
        parts += [LENGTH.pack(len(encoded)), encoded]
    return b"".join(parts)


def unpacked(payload: bytes) -> list[bytes]:
    """The elements of a raw BYTES tensor. Raises `InvalidInput` when it ends within one."""
    found: list[bytes] = []
    position = 0
    while position < len(payload):
        end = position + LENGTH.size
        size = LENGTH.unpack_from(payload, position)[0] if end <= len(payload) else len(payload)
        if end + size > len(payload):
            raise InvalidInput(f"a BYTES tensor ends within element {len(found)}")
        found.append(payload[end : end + size])
        position = end + size
    return found


def text(item: Any) -> str:
    """An element of a BYTES tensor as text. Raises `InvalidInput` when it is not UTF-8."""
    try:
        return item.decode() if isinstance(item, bytes) else str(item)
    except UnicodeDecodeError:
        raise InvalidInput("a BYTES element is not UTF-8 text; send and ask for it in binary") from None


def texts(value: Any) -> list[Any]:
    """Nested lists of elements as nested lists of text."""
    items = value.tolist() if isinstance(value, np.ndarray) else value
    return [texts(item) if isinstance(item, list) else text(item) for item in items]


def check_count(tensor: Tensor) -> None:
    """Refuse values that are more or fewer than the shape says. Raises `ServeError` "invalid_input"."""
    wanted = math.prod(tensor.shape)
    if (given := _count(tensor.data)) != wanted:
        raise ServeError(
            "invalid_input",
            f"tensor {tensor.name!r} has shape {tensor.shape}: {wanted} values, its data has {given}",
        )


def _count(values: Any) -> int:
    if values and isinstance(values[0], list):
        return sum(_count(item) if isinstance(item, list) else 1 for item in values)
    return len(values)


def plain(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Parameters as JSON has them, whichever front door they came through."""
    return {name: _value(value) for name, value in (parameters or {}).items()}


def _value(value: Any) -> Any:
    choice = value.WhichOneof("parameter_choice") if hasattr(value, "WhichOneof") else None
    return getattr(value, choice) if choice else value
