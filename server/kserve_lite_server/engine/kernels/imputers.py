"""Simple imputation of missing numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kserve_lite_server.engine.kernels.kernel import NUMBERS, Domain, Kernel, Unavailable


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of SimpleImputer.transform."""
    if qualname != "SimpleImputer.transform":
        return None
    statistics = estimator.statistics_
    missing_is_nan = isinstance(estimator.missing_values, float) and np.isnan(estimator.missing_values)
    if (
        not missing_is_nan
        or estimator.add_indicator
        or statistics.dtype.kind != "f"
        or np.isnan(statistics).any()
    ):
        raise Unavailable("only numbers with NaN for missing, every column observed and no indicator")

    def fill(X: NDArray[Any], each: bool) -> Any:
        missing = np.isnan(X)
        return np.where(missing, statistics, X) if missing.any() else X.copy()

    return Kernel("imputer", fill, Domain.NAN, dtypes=NUMBERS)
