"""Exact fast kernels: the bits of `estimator.method(X)` without the checks around them."""

from kserve_lite_server.engine.kernels.kernel import Outside
from kserve_lite_server.engine.kernels.plan import Method, Plan, choose, part

__all__ = ["Method", "Outside", "Plan", "choose", "part"]
