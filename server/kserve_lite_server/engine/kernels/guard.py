"""A kernel behind its guard: what it may not take, the estimator answers or refuses in its own words."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kserve_lite_server.engine.kernels.kernel import FLOAT64, Kernel, Outside


class Guarded:
    """One method of one model: the kernel where it is sure of its ground, scikit-learn everywhere else."""

    def __init__(self, kernel: Kernel, simple: Callable[[Any], Any], width: int) -> None:
        self.kernel = kernel
        self.simple = simple
        self.width = width
        self.dtypes = set(kernel.dtypes)

    def call(self, X: Any) -> Any:
        """Return what the estimator's method returns for `X`, or raise what it raises."""
        try:
            return self.kernel(self._ready(X))
        except Outside:
            return self.simple(X)

    def sure(self, X: Any) -> Any:
        """Return the kernel's own answer; raises `Outside` when `X` is the estimator's to answer."""
        return self.kernel(self._ready(X))

    def each(self, X: Any) -> Any:
        """Return what `call` gives for every row alone; raises `Outside` when one is the estimator's."""
        return self.kernel(self._ready(X), True)

    def _ready(self, X: Any) -> Any:
        """Return `X` as the kernel wants it."""
        if type(X) is np.ndarray:
            if X.ndim == 2 and X.shape[1] == self.width and len(X) and X.flags.c_contiguous:
                if X.dtype == FLOAT64:
                    return X
                if X.dtype in self.dtypes:
                    return X.astype(FLOAT64)
        elif self.kernel.frames and hasattr(X, "iloc") and len(X):
            return X
        raise Outside
