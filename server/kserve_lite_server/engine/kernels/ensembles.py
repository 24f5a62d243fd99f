"""Ensembles of trees: which of the three kinds a method belongs to."""

from typing import Any

from kserve_lite_server.engine.kernels import boosting, forest, histogram
from kserve_lite_server.engine.kernels.kernel import Kernel


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's tree ensembles define."""
    for kind in (forest, histogram, boosting):
        kernel: Kernel | None = kind.build(estimator, qualname)
        if kernel is not None:
            return kernel
    return None
