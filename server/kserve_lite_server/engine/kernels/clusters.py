"""k-means: the nearest centre by scikit-learn's own step, without the thread-pool bookkeeping around it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kserve_lite_server.engine.kernels.kernel import NUMBERS, Kernel, private


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's k-means models define."""
    if qualname == "_BaseKMeans.transform":
        distances = private(estimator, "_transform")
        return Kernel("distances to centres", lambda X, each: distances(X), batchable=False, dtypes=NUMBERS)
    return (
        Kernel("nearest centre", _labels(estimator), batchable=False, dtypes=NUMBERS)
        if qualname == "_BaseKMeans.predict"
        else None
    )


def _labels(model: Any) -> Any:
    from sklearn.cluster import _kmeans

    nearest, centers = private(_kmeans, "_labels_inertia"), model.cluster_centers_

    def labels(X: NDArray[Any], each: bool) -> Any:
        return nearest(X, np.ones(len(X), X.dtype), centers, n_threads=1, return_inertia=False)

    return labels
