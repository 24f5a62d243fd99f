"""One decoded request in no protocol's terms: the rows, and the methods that shall run on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows given by column name; every array is 1-D and of equal length."""

    arrays: Mapping[str, np.ndarray]

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(next(iter(self.arrays.values())))

    def __len__(self) -> int:
        return self.count


# 2-D (rows x features), or 1-D where each row is one value, as text is; strings and mixed rows have dtype
# object.
Rows = np.ndarray | Columns


@dataclass(frozen=True, slots=True)
class Call:
    """What a front door asks of a model. No `methods`: the one that the model was set up with."""

    rows: Rows
    methods: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()  # parts of the request without meaning here, to be told to the caller

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.rows)
