"""A finished hyper-parameter search answers as its best estimator does."""

from typing import Any

from kserve_lite_server.engine.kernels import families
from kserve_lite_server.engine.kernels.kernel import Kernel


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of the best estimator's method of the same name."""
    best = getattr(estimator, "best_estimator_", None)
    return None if best is None else families.build(best, qualname.rpartition(".")[2])
