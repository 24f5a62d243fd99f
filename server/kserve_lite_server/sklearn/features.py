"""Decoded rows to what an estimator takes: an array, a list of texts or a data frame with the fitted
columns."""

import difflib
from collections.abc import Mapping
from typing import Any

import numpy as np

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.protocol.call import Columns, Rows
from kserve_lite_server.protocol.rows import read_column
from kserve_lite_server.sklearn.signature import Signature


def build_features(rows: Rows, signature: Signature) -> Any:
    """Give rows the form that the estimator was fitted with; `Columns` stand for a data frame of the fitted columns.

    Raises `ServeError` naming the row or column at fault.
    """
    if signature.text:
        return _texts(rows)
    if isinstance(rows, Columns):
        return _from_columns(rows, signature)
    if signature.frame and rows.ndim == 2:
        return _named(rows, signature)
    return rows


def _texts(rows: Rows) -> list[str]:
    if isinstance(rows, Columns):
        if len(rows.arrays) != 1:
            raise invalid(f"the model takes one text a row, got the columns {', '.join(rows.arrays)}")
        rows = next(iter(rows.arrays.values()))
    if rows.ndim == 2 and rows.shape[1] == 1:
        rows = rows[:, 0]
    texts: list[str] = rows.tolist() if rows.ndim == 1 else []
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise invalid(f"row {index} must be a string: the model takes one text a row")
    if not texts:
        raise invalid("each row must be one string: the model takes one text a row")
    return texts


def _from_columns(rows: Columns, signature: Signature) -> Any:
    arrays = dict(rows.arrays)
    if signature.features is not None:
        _check_names(arrays, signature.features)
        arrays = {name: arrays[name] for name in signature.features}
    numeric = all(array.dtype.kind in "biuf" for array in arrays.values())
    if signature.frame:
        return Columns(arrays)
    if signature.features is None and not (signature.steady and numeric):
        return to_frame(arrays)
    return np.column_stack(list(arrays.values())) if numeric else _objects(arrays)


def _check_names(arrays: dict[str, np.ndarray], features: tuple[str, ...]) -> None:
    for name in arrays:
        if name not in features:
            nearest = difflib.get_close_matches(name, features, n=1)
            remedy = f"did you mean {nearest[0]!r}?" if nearest else f"its columns are {_listed(features)}"
            raise invalid(f"the model has no column {name!r}; {remedy}")
    for name in features:
        if name not in arrays:
            raise invalid(f"column {name!r} is missing; the model's columns are {_listed(features)}")


def _listed(features: tuple[str, ...]) -> str:
    return ", ".join(features[:20]) + (f" and {len(features) - 20} more" if len(features) > 20 else "")


def _named(rows: np.ndarray, signature: Signature) -> Any:
    """Unnamed rows for a model that asks for columns by name: the fitted names, in the fitted order."""
    features = signature.features or ()
    if rows.shape[1] != len(features):
        raise invalid(
            f"each row must have {len(features)} values, one for each of {_listed(features)}; got "
            f"{rows.shape[1]}"
        )
    if rows.dtype != object:
        return Columns({name: rows[:, index] for index, name in enumerate(features)})
    return Columns(
        {
            name: read_column(rows[:, index].tolist(), f"column {name!r}")
            for index, name in enumerate(features)
        }
    )


def _objects(arrays: dict[str, np.ndarray]) -> np.ndarray:
    table = np.empty((len(next(iter(arrays.values()))), len(arrays)), dtype=object)
    for index, array in enumerate(arrays.values()):
        table[:, index] = array
    return table


def to_frame(arrays: Mapping[str, np.ndarray]) -> Any:
    """The data frame of some columns. Raises `ServeError` when pandas is not installed."""
    try:
        import pandas  # only models and requests with named columns pay for it
    except ModuleNotFoundError:
        raise ServeError(
            "model_module_missing",
            "this model takes data frames, and pandas is not installed here; install "
            "kserve-lite-server[pandas]",
        ) from None
    return pandas.DataFrame(dict(arrays))
