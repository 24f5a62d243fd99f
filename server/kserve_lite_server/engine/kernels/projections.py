"""Principal components and their kin: one matrix product."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kserve_lite_server.engine.kernels.kernel import NUMBERS, Kernel, rows_times


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's linear projections define."""
    maker = MAKERS.get(qualname)
    return Kernel("projection", maker(estimator), dtypes=NUMBERS) if maker else None


def _principal_components(model: Any) -> Any:
    components = model.components_.T
    mean = model.mean_.reshape(1, -1) @ components
    scale = None
    if model.whiten:
        scale = np.sqrt(model.explained_variance_)
        tiny = np.finfo(scale.dtype).eps
        scale[scale < tiny] = tiny

    def project(X: NDArray[Any], each: bool) -> Any:
        found = rows_times(X, components, each)
        found -= mean
        if scale is not None:
            found /= scale
        return found

    return project


def _singular_vectors(model: Any) -> Any:
    components = model.components_.T
    return lambda X, each: rows_times(X, components, each)


MAKERS = {"_BasePCA.transform": _principal_components, "TruncatedSVD.transform": _singular_vectors}
