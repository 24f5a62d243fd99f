"""The thirteen datatypes of the Open Inference Protocol and their NumPy counterparts."""

import numpy as np

from kserve_lite_server.errors import ServeError, invalid

DTYPES: dict[str, np.dtype] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(object),
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def check_datatype(value: object, tensor: str) -> str:
    """The datatype's name in upper case. Raises `ServeError` naming the tensor when there is none such."""
    name = value.upper() if isinstance(value, str) else ""
    if name not in DTYPES:
        raise invalid(f"tensor {tensor!r} has datatype {value!r}; known are {', '.join(DTYPES)}")
    return name


def datatype_of(array: np.ndarray) -> str:
    """The datatype of an array that `tensors.from_result` has made plain."""
    try:
        return NAMES[array.dtype.newbyteorder("=")]
    except KeyError:
        raise ServeError(
            "not_implemented", f"the model answers with {array.dtype}, which the protocol has no datatype for"
        ) from None
