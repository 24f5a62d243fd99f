"""The rows to explain and the background rows, with the names of their features where they have some."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.protocol.call import Columns
from kserve_lite_server.protocol.rows import read_rows

FILES = ("background.csv", "background.json", "background.npy")


@dataclass(frozen=True)
class Table:
    """Rows of features: `rows` is 2-D, of numbers or of objects; `names` is None where the rows have none."""

    rows: np.ndarray
    names: tuple[str, ...] | None = None

    def like(self, other: "Table", what: str) -> "Table":
        """This table with its columns in the other's order. Raises `ServeError` when they do not fit each other."""
        if self.rows.shape[1] != other.rows.shape[1]:
            raise invalid(
                f"{what} has {self.rows.shape[1]} features, the rows to explain have {other.rows.shape[1]}"
            )
        if self.names is None or other.names is None or self.names == other.names:
            return self
        if missing := set(other.names) - set(self.names):
            raise invalid(f"{what} has no feature {sorted(missing)[0]!r}")
        return Table(self.rows[:, [self.names.index(name) for name in other.names]], other.names)


def read(value: Any, where: str) -> Table:
    """Read rows as V1 has them: lists, or objects by feature. Raises `ServeError`."""
    rows = read_rows(value, where)
    if isinstance(rows, Columns):
        columns = [np.asarray(column) for column in rows.arrays.values()]
        kind = float if all(column.dtype.kind in "fiu" for column in columns) else object
        return Table(np.stack([column.astype(kind) for column in columns], axis=1), tuple(rows.arrays))
    if rows.ndim != 2:
        raise invalid(
            f'"{where}" must hold rows of features: texts and images are not explained by permutation'
        )
    return Table(rows)


def read_folder(folder: Path) -> Table | None:
    """Read the background rows of a folder; None when there are none. Raises `ServeError` naming the file."""
    found = [folder / name for name in FILES if (folder / name).is_file()]
    if not found:
        return None
    file = found[0]
    try:
        if file.suffix == ".npy":
            return Table(np.atleast_2d(np.load(file, allow_pickle=False)))
        if file.suffix == ".json":
            value = json.loads(file.read_text(encoding="utf-8"))
            return read(value.get("instances", value) if isinstance(value, dict) else value, file.name)
        with file.open(encoding="utf-8", newline="") as lines:
            return _of_csv(list(csv.reader(lines)))
    except (ValueError, OSError, ServeError) as error:
        raise ServeError(
            "model_settings_invalid", f"the background rows in {file} cannot be read: {error}"
        ) from None


def _of_csv(lines: Sequence[Sequence[str]]) -> Table:
    """A header of names where the first line is not all numbers."""
    if len({len(line) for line in lines}) != 1 or len(lines) < 2:
        raise ValueError("it needs two lines or more, all with as many values")
    named = not all(_is_number(cell) for cell in lines[0])
    body = lines[1:] if named else lines
    columns = [
        np.array([float(cell) for cell in column])
        if all(map(_is_number, column))
        else np.array(column, object)
        for column in zip(*body, strict=True)
    ]
    kind = float if all(column.dtype.kind == "f" for column in columns) else object
    return Table(
        np.stack([column.astype(kind) for column in columns], axis=1), tuple(lines[0]) if named else None
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
