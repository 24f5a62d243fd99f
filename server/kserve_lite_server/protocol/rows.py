"""JSON instances in every shape that KServe's clients send (lists, strings, records, columns, split) to
rows."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.protocol.call import Columns, Rows

# What a number that JSON cannot write may look like.
SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def read_rows(value: Any, where: str) -> Rows:
    """Read rows; `where` names the JSON key in errors. Raises `ServeError` with the row or column at
    fault."""
    if isinstance(value, dict):
        return _split(value, where) if value.keys() >= {"columns", "data"} else _columns(value, where)
    if not isinstance(value, list):
        raise invalid(f'"{where}" must be a list of rows or an object of columns, not {kind(value)}')
    if not value:
        raise invalid(f'"{where}" has no rows')
    first = value[0]
    if isinstance(first, list) and first and isinstance(first[0], dict):
        return _records(
            [row for chunk in _all(value, list, where) for row in _all(chunk, dict, where)], where
        )
    if isinstance(first, dict):
        return _records(_all(value, dict, where), where)
    return _array(value, where)


def read_column(values: Sequence[Any], where: str) -> np.ndarray:
    """One column: numbers keep their dtype, null among numbers is NaN, anything with text has dtype
    object."""
    array = _plain(values)
    if array is None or array.ndim != 1:
        raise invalid(f"{where} must hold one value a row")
    return _numbers(array) if array.dtype == object else array


def kind(value: Any) -> str:
    """The JSON word for a value, for error sentences."""
    if value is None:
        return "null"
    names = {bool: "a boolean", dict: "an object", list: "a list", str: "a string"}
    return names.get(type(value), "a number")


def _array(values: list[Any], where: str) -> np.ndarray:
    array = _plain(values)
    if array is None:
        raise _ragged(values, where)
    if array.dtype == object:
        if any(isinstance(item, (list, dict)) for item in array.flat):
            raise _ragged(values, where)
        array = _numbers(array)
    if array.size == 0:
        raise invalid(f'"{where}" has rows without values')
    return array


def _plain(values: Sequence[Any]) -> np.ndarray | None:
    """An array of numbers or booleans as NumPy reads it; of objects when there is text or null; None when
    ragged."""
    try:
        array = np.asarray(values)
    except ValueError:
        return None
    if array.dtype.kind in "biuf":
        return array
    try:
        return np.array(
            values, dtype=object
        )  # not NumPy's strings: they would turn a 1 beside an "a" into text
    except ValueError:
        return None


def _numbers(array: np.ndarray) -> np.ndarray:
    """Objects that are all numbers, null or a special number become float64; others stay as they are."""
    found = False
    converted: list[float] = []
    for item in array.flat:
        if item is None:
            converted.append(math.nan)
        elif isinstance(item, (int, float)):
            found = True
            converted.append(float(item))
        elif isinstance(item, str) and item in SPECIAL:
            converted.append(SPECIAL[item])
        else:
            return array
    if not found and not all(isinstance(item, str) for item in array.flat) and array.ndim == 1:
        return array  # a column of nulls says nothing about its type
    return np.array(converted).reshape(array.shape)


def _records(records: list[dict[str, Any]], where: str) -> Columns:
    """List of row objects; or of column objects, whose values are lists, one after the other."""
    names = list(records[0])
    if not names:
        raise invalid(f'"{where}"[0] has no columns')
    for index, record in enumerate(records):
        if record.keys() != records[0].keys():
            missing = [name for name in names if name not in record]
            extra = [name for name in record if name not in records[0]]
            what = (
                f"lacks column {missing[0]!r}"
                if missing
                else f"has column {extra[0]!r}, unlike the first row"
            )
            raise invalid(f'"{where}"[{index}] {what}; send null where a value is missing')
    if all(isinstance(value, list) for value in records[0].values()):
        chunks = {name: [item for record in records for item in _chunk(record[name], name)] for name in names}
        return _columns(chunks, where)
    return _columns({name: [record[name] for record in records] for name in names}, where)


def _chunk(values: Any, name: str) -> list[Any]:
    if not isinstance(values, list):
        raise invalid(f"column {name!r} is a list in one object and {kind(values)} in another")
    return values


def _columns(value: dict[str, Any], where: str) -> Columns:
    if not value:
        raise invalid(f'"{where}" has no columns')
    arrays = {}
    for name, values in value.items():
        if not isinstance(values, list):
            raise invalid(f"column {name!r} must be a list, not {kind(values)}")
        arrays[name] = read_column(values, f"column {name!r}")
    first = next(iter(arrays))
    for name, array in arrays.items():
        if len(array) != len(arrays[first]):
            raise invalid(f"column {name!r} has {len(array)} rows, column {first!r} has {len(arrays[first])}")
    if len(arrays[first]) == 0:
        raise invalid(f'"{where}" has no rows')
    return Columns(arrays)


def _split(value: dict[str, Any], where: str) -> Columns:
    """What `DataFrame.to_dict("split")` gives: columns and data, and an index that says nothing about a
    row."""
    names, data = value["columns"], value["data"]
    if unknown := value.keys() - {"columns", "data", "index"}:
        raise invalid(f'"{where}" in split form has columns, data and index, not {sorted(unknown)[0]!r}')
    if (
        not isinstance(names, list)
        or not all(isinstance(name, str) for name in names)
        or len(set(names)) != len(names)
    ):
        raise invalid(f'"{where}".columns must be a list of different names')
    if not isinstance(data, list) or not data:
        raise invalid(f'"{where}".data must be a list of rows, at least one')
    for index, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(names):
            raise invalid(f'"{where}".data[{index}] must be a list of {len(names)} values, one a column')
    return _columns({name: [row[i] for row in data] for i, name in enumerate(names)}, where)


def _all(values: list[Any], expected: type, where: str) -> list[Any]:
    for index, value in enumerate(values):
        if not isinstance(value, expected):
            raise invalid(f'"{where}"[{index}] is {kind(value)}, unlike the first row')
    return values


def _ragged(values: list[Any], where: str) -> ServeError:
    """Name the first row that is unlike the first one."""
    shape = _shape(values[0])
    for index, row in enumerate(values):
        if _shape(row) != shape:
            return invalid(
                f'"{where}"[{index}] has {_described(row)}, "{where}"[0] has {_described(values[0])}'
            )
    return invalid(f'"{where}"[0] has values of different shapes')


def _shape(row: Any) -> int | None:
    return len(row) if isinstance(row, list) else None


def _described(row: Any) -> str:
    return f"{len(row)} values" if isinstance(row, list) else kind(row)
