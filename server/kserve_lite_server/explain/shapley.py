"""How much each feature of a row adds to what the model says of it: Shapley values by sampled permutations.

From a background row, the features of the explained row are put in place one after the other, in random order and then
in the reverse one; what the value changes by at a step is that feature's share. The shares of a row add up exactly to
its value minus the mean value of the background rows drawn. Reference: Castro, Gomez, Tejada, "Polynomial calculation
of the Shapley value based on sampling", Computers & Operations Research 36 (2009); the reverse order as in Mitchell et
al., "Sampling permutations for Shapley value estimation", JMLR 23 (2022).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Walks:
    """Rows to ask the model about, for one explained row.

    `rows` has shape (walks, features + 1, features): a walk begins at a background row and ends at the explained one.
    `orders` has shape (walks, features): which feature changed at each step.
    """

    rows: np.ndarray
    orders: np.ndarray


def plan(row: np.ndarray, background: np.ndarray, samples: int, random: np.random.Generator) -> Walks:
    """Draw `samples` pairs of walks from background rows (2-D) to `row` (1-D); values may be of any kind."""
    features = len(row)
    orders = np.empty((2 * samples, features), dtype=int)
    rows = np.empty((2 * samples, features + 1, features), dtype=background.dtype)
    for sample in range(samples):
        order = random.permutation(features)
        begin = background[random.integers(len(background))]
        for walk, steps in ((2 * sample, order), (2 * sample + 1, order[::-1])):
            orders[walk] = steps
            rows[walk] = begin
            for step, feature in enumerate(steps):
                rows[walk, step + 1 :, feature] = row[feature]
    return Walks(rows, orders)


def shares(walks: Walks, values: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The share of each feature, the mean value of the background, and the value of the row.

    `values` are what the model says of `walks.rows`, shape (walks, features + 1).
    """
    changes = np.diff(values, axis=1)
    features = walks.orders.shape[1]
    found = np.zeros(features)
    np.add.at(found, walks.orders.reshape(-1), changes.reshape(-1))
    return found / len(changes), float(values[:, 0].mean()), float(values[0, -1])
