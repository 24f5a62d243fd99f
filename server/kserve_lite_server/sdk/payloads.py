"""From a payload of either protocol to what a model computes with, and back: KServe's helpers."""

import uuid
from typing import Any

import numpy as np

from kserve_lite_server.protocol.datatypes import DTYPES
from kserve_lite_server.sdk.errors import InferenceError, InvalidInput
from kserve_lite_server.sdk.messages import InferRequest, InferResponse
from kserve_lite_server.sdk.tensors import InferOutput, datatype_of, plain


def get_predict_input(payload: dict[str, Any] | InferRequest, columns: list[str] | None = None) -> Any:
    """An array, a list of texts, or a data frame where the payload has named columns.

    Raises `InvalidInput` when there is nothing to predict.
    """
    if isinstance(payload, InferRequest):
        if plain(payload.parameters).get("content_type") == "pd":
            return payload.as_dataframe()
        first = payload.inputs[0]
        if (
            first.datatype == "BYTES"
            and isinstance(first.data, list)
            and first.data
            and isinstance(first.data[0], str)
        ):
            return first.data
        return first.as_numpy()
    if not isinstance(payload, dict) or not {"instances", "inputs"} & payload.keys():
        raise InvalidInput('Expected "instances" (or "inputs") in the request')
    rows = payload["inputs"] if "inputs" in payload else payload["instances"]
    first_row = rows[0] if isinstance(rows, list) and rows else None
    if isinstance(first_row, list) and first_row:
        first_row = first_row[0]
    if isinstance(first_row, dict):
        import pandas as pd

        nested = rows if isinstance(rows[0], list) else [[row] if _is_row(row) else row for row in rows]
        return pd.concat([pd.DataFrame(part, columns=columns) for part in nested], axis=0)
    if isinstance(rows, list) and rows and isinstance(rows[0], str):
        return rows
    try:
        return np.array(rows)
    except ValueError as error:
        raise InvalidInput(f"the rows are no table: {error}") from None


def get_predict_response(payload: dict[str, Any] | InferRequest, result: Any, model_name: str) -> Any:
    """A V1 dict or a V2 response, as the payload was; a data frame becomes one object a row, or one output a column."""
    frame = hasattr(result, "columns") and hasattr(result, "to_dict")
    if not isinstance(payload, InferRequest):
        if frame:
            return {"predictions": result.to_dict("records")}
        return {"predictions": result.tolist() if isinstance(result, np.ndarray) else result}
    columns = (
        {str(name): result[name].to_numpy() for name in result.columns} if frame else {"output-0": result}
    )
    outputs = []
    for name, values in columns.items():
        array = np.asarray(values)
        if array.dtype.kind == "U":
            array = array.astype(object)
        output = InferOutput(name, list(array.shape), datatype_of(array.dtype))
        output.set_data_from_numpy(array, binary_data=payload.use_binary_outputs)
        outputs.append(output)
    return InferResponse(
        payload.id or generate_uuid(),
        model_name,
        outputs,
        use_binary_outputs=payload.use_binary_outputs,
        requested_outputs=payload.request_outputs,
    )


def generate_uuid() -> str:
    """An id for a response."""
    return str(uuid.uuid4())


def to_np_dtype(datatype: str) -> Any:
    """The dtype of a datatype's name; None when there is none."""
    return DTYPES.get(datatype)


def from_np_dtype(dtype: np.dtype) -> str | None:
    """The datatype's name of a dtype; None when there is none."""
    try:
        return datatype_of(np.dtype(dtype))
    except InferenceError:
        return None


def _is_row(row: dict[str, Any]) -> bool:
    """Whether an object is one row, not lists by column."""
    return not any(isinstance(value, list) for value in row.values())
