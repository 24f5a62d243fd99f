"""What a kernel is, and the few things that every family needs to build one."""

import copy
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

Compute = Callable[[Any, bool], Any]


FLOAT64 = np.dtype(np.float64)
# What an estimator turns into float64 before it computes; some compute in float32 when given that.
NUMBERS = (FLOAT64, np.dtype(np.int64))
WIDENED = (*NUMBERS, np.dtype(np.float32))


class Domain(Enum):
    """Which values a kernel takes over; on all others the estimator itself answers, or raises."""

    FINITE = "finite"
    NAN = "finite or NaN"
    ANY = "any"


class Outside(Exception):
    """The input is outside of the kernel's domain: the estimator decides."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One method of one fitted estimator, computed directly.

    `compute(X, each)` gets rows that are known to have the right type, width and values. With `each`, every
    row is a request of its own and gets the bits that it gets alone; `batchable` says that this is honoured.
    Arrays of the `dtypes` may be handed over as float64, data frames only where `frames` says so.
    """

    name: str
    compute: Compute
    domain: Domain = Domain.FINITE
    batchable: bool = True
    dtypes: tuple[np.dtype[Any], ...] = WIDENED
    frames: bool = False

    def __call__(self, X: Any, each: bool = False) -> Any:
        """Compute, or raise `Outside`."""
        if not inside(X, self.domain):
            raise Outside
        return self.compute(X, each)


def inside(X: Any, domain: Domain) -> bool:
    """Whether all values of a float array lie in `domain`; anything else is for `compute` to judge."""
    if domain is Domain.ANY or not isinstance(X, np.ndarray) or X.dtype.kind != "f":
        return True
    if math.isfinite(np.add.reduce(X, axis=None)):
        return True  # one pass without a temporary; a sum that overflows only costs the second look
    return bool(np.isfinite(X).all()) if domain is Domain.FINITE else not np.isinf(X).any()


def rows_times(X: NDArray[Any], matrix: NDArray[Any], each: bool) -> Any:
    """`X @ matrix`; with `each`, row by row.

    BLAS sums in another order for a matrix than for a vector, so the last bit of a row depends on the rows
    beside it. A stack of one-row products runs the vector routine on every row: the bits it has alone.
    """
    if each and isinstance(X, np.ndarray) and len(X) > 1:  # a sparse product goes row by row anyway
        return (X[:, None, :] @ matrix)[:, 0]
    return X @ matrix


def standing_in(estimator: Any, **attributes: Any) -> Any:
    """Return a shallow copy of `estimator` with some methods replaced; the rest stays scikit-learn's code."""
    double = copy.copy(estimator)
    for name, value in attributes.items():
        setattr(double, name, value)
    return double


def once(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Share what `make` builds out of an estimator between its methods, as long as the estimator lives."""
    made: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @functools.wraps(make)
    def shared(estimator: Any) -> Any:
        if estimator not in made:
            made[estimator] = make(estimator)
        return made[estimator]

    return shared


def private(owner: Any, name: str) -> Any:
    """Return a private part of scikit-learn; raises `Unavailable` where this version has none."""
    try:
        return getattr(owner, name)
    except AttributeError:
        raise Unavailable(f"this scikit-learn has no {name}") from None


class Unavailable(Exception):
    """No kernel can be built; the text says why."""
