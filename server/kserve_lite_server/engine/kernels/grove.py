"""Many trees walked in one call: they are joined below a router that sends a copy of each row to each tree.

scikit-learn calls every tree by itself, which costs microseconds a tree however few rows there are. Joined,
all of them are one tree of its own node format, walked by its own compiled code, so thresholds and missing
values mean what they mean there. The router reads one extra column, the number of the tree.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Splitter = Callable[[Any, int, int, float], None]

BLOCK_BYTES = 1 << 20  # of copied rows at a time: stays within a processor's second-level cache


def offsets(sizes: Sequence[int]) -> NDArray[np.int64]:
    """Return where each tree starts when all lie behind a router of `len(sizes) - 1` nodes."""
    return len(sizes) - 1 + np.concatenate([[0], np.cumsum(sizes)[:-1]])


def route(nodes: NDArray[Any], roots: NDArray[np.int64], split: Splitter) -> None:
    """Fill the first `len(roots) - 1` nodes with a balanced search for the tree's number."""
    free = iter(range(len(roots) - 1))

    def branch(low: int, high: int) -> int:
        if high - low == 1:
            return int(roots[low])
        node, middle = next(free), (low + high) // 2
        split(nodes[node : node + 1], branch(low, middle), branch(middle, high), middle - 0.5)
        return node

    branch(0, len(roots))


class Copies:
    """Rows repeated once for each tree, with the tree's number in an extra last column."""

    def __init__(self, trees: int, width: int, dtype: Any) -> None:
        self.trees = trees
        self.width = width
        self.dtype = np.dtype(dtype)
        self.numbers = np.arange(trees, dtype=dtype)[:, None]
        self.rows_in_block = max(1, BLOCK_BYTES // (trees * (width + 1) * self.dtype.itemsize))

    def of(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return shape (trees * rows, width + 1), tree by tree."""
        copies = np.empty((self.trees, len(X), self.width + 1), self.dtype)
        copies[:, :, :-1] = X
        copies[:, :, -1] = self.numbers
        return copies.reshape(self.trees * len(X), self.width + 1)

    def blocks(self, X: NDArray[Any]) -> list[NDArray[Any]]:
        """Return `X` in parts whose copies stay small."""
        step = self.rows_in_block
        return [X[start : start + step] for start in range(0, len(X), step)]


def running_sum(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up along the first axis strictly in order, as a loop does; numpy's sum of a vector does not."""
    flat = terms.reshape(len(terms), -1)
    total: NDArray[np.float64]
    total = np.add.reduce(flat, axis=0) if flat.shape[1] > 1 else np.cumsum(flat, axis=0)[-1]
    return total.reshape(terms.shape[1:])
