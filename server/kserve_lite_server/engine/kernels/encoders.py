"""Encoders of words, column by column: a look into the categories instead of sorting and comparing arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kserve_lite_server.engine.kernels.kernel import Outside, Unavailable

Arrays = Mapping[str, NDArray[Any]]
Codes = dict[Any, Any]
NONE = -1  # the code of a word that has no column of its own


@dataclass(frozen=True, slots=True)
class OneHot:
    """For each row and each column of words the one column of the matrix that is 1; `NONE` for none."""

    codes: NDArray[np.intp]
    columns: int

    def __len__(self) -> int:
        return len(self.codes)


def reads_words(step: Any) -> bool:
    """Whether this step is an encoder that is known here."""
    return type(step).__module__.startswith("sklearn.preprocessing.") and type(step).__name__ in (
        "OneHotEncoder",
        "OrdinalEncoder",
    )


def build(steps: Sequence[Any], names: Sequence[str]) -> tuple[dict[str, list[Any]], Callable[[Arrays], Any]]:
    """Return each column's known values, and a function from columns to codes, for [imputer,] encoder."""
    *before, encoder = steps
    if len(before) > 1 or any(type(step).__name__ != "SimpleImputer" for step in before):
        raise Unavailable("something else than an imputer in front of an encoder")
    if getattr(encoder, "_infrequent_enabled", False) or encoder.dtype is not np.float64:
        raise Unavailable("an encoder with infrequent categories or another type than float64")
    if hasattr(encoder, "_sklearn_output_config"):
        raise Unavailable("an encoder with set_output")
    fills = _fills(before[0]) if before else [None] * len(names)
    known = {name: part.tolist() for name, part in zip(names, encoder.categories_, strict=True)}
    columns = [_Column(*parts) for parts in zip(names, known.values(), fills, strict=True)]
    return known, (_one_hot if type(encoder).__name__ == "OneHotEncoder" else _ordinal)(encoder, columns)


def width(block: Any) -> int:
    """The number of columns that a block has in the matrix."""
    return block.columns if isinstance(block, OneHot) else int(block.shape[1])


def put(block: Any, place: NDArray[np.float64]) -> None:
    """Write a block into its zeroed place in the matrix."""
    if not isinstance(block, OneHot):
        place[:] = block
        return
    rows, parts = np.nonzero(block.codes != NONE)
    place[rows, block.codes[rows, parts]] = 1.0


@dataclass(slots=True)
class _Column:
    name: str
    categories: list[Any]
    fill: Any

    def values(self, arrays: Arrays) -> list[Any]:
        """The column's words, or numbers where the categories are numbers; gaps are filled."""
        array = arrays[self.name]
        if array.dtype.kind in "if" and array.dtype.itemsize == 8 and self.fill is None:
            if type(self.categories[0]) is str:
                raise Outside
            numbers: list[Any] = array.tolist()
            return numbers
        if array.dtype != object:
            raise Outside
        values: list[Any] = array.tolist()
        for index, value in enumerate(values):
            if self.fill is not None and type(value) is float and value != value:
                values[index] = self.fill
            elif type(value) is not str:
                raise Outside
        return values


def _fills(imputer: Any) -> list[Any]:
    if imputer.add_indicator or not isinstance(imputer.missing_values, float):
        raise Unavailable("an imputer of words with an indicator or a missing value of its own")
    fills: list[Any] = np.asarray(imputer.statistics_, dtype=object).tolist()
    if not all(type(fill) is str for fill in fills):
        raise Unavailable("an imputer of words whose filling is no word")
    return fills


def _one_hot(encoder: Any, columns: Sequence[_Column]) -> Callable[[Arrays], Any]:
    tables: list[Codes] = []
    begin = 0
    dropped = encoder._drop_idx_after_grouping
    for number, column in enumerate(columns):
        drop = None if dropped is None else dropped[number]
        kept = [category for index, category in enumerate(column.categories) if index != drop]
        table: Codes = {category: begin + index for index, category in enumerate(kept)}
        if drop is not None:
            table[column.categories[drop]] = NONE
        tables.append(table)
        begin += len(kept)
    unknown = NONE if encoder.handle_unknown in ("ignore", "infrequent_if_exist", "warn") else None
    return lambda arrays: OneHot(_look_up(columns, tables, arrays, unknown, np.intp), begin)


def _ordinal(encoder: Any, columns: Sequence[_Column]) -> Callable[[Arrays], Any]:
    if encoder._missing_indices:
        raise Unavailable("an ordinal encoder that knows missing values")
    tables = [{category: float(code) for code, category in enumerate(c.categories)} for c in columns]
    unknown = encoder.unknown_value if encoder.handle_unknown == "use_encoded_value" else None
    return lambda arrays: _look_up(columns, tables, arrays, unknown, np.float64)


def _look_up(
    columns: Sequence[_Column], tables: Sequence[Codes], arrays: Arrays, unknown: Any, dtype: Any
) -> NDArray[Any]:
    codes = np.empty((len(arrays[columns[0].name]), len(columns)), dtype)
    for number, (column, table) in enumerate(zip(columns, tables, strict=True)):
        found = [table.get(value, unknown) for value in column.values(arrays)]
        if unknown is None and None in found:
            raise Outside
        codes[:, number] = found
    return codes
