"""Naive Bayes: scikit-learn's own joint likelihood, on rows that are already checked."""

from typing import Any

import numpy as np

from kserve_lite_server.engine.kernels.kernel import Kernel, Unavailable, standing_in

METHODS = {
    "_BaseNB.predict": "predict",
    "_BaseNB.predict_proba": "predict_proba",
    "_BaseNB.predict_log_proba": "predict_log_proba",
}


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's naive Bayes models define."""
    name = METHODS.get(qualname)
    if name is None:
        return None
    check = CHECKS.get(type(estimator).__name__)
    if check is None:
        raise Unavailable(f"{type(estimator).__name__} checks more than the values are finite")
    answer = getattr(standing_in(estimator, _check_X=check(estimator)), name)
    # Only Gaussian sums without a matrix product, so only there the rows of a batch keep their own bits.
    return Kernel("likelihood", lambda X, each: answer(X), batchable=type(estimator).__name__ == "GaussianNB")


def _as_is(model: Any) -> Any:
    return lambda X: X


def _binarized(model: Any) -> Any:
    threshold = model.binarize
    return _as_is(model) if threshold is None else lambda X: (threshold < X).astype(np.float64)


CHECKS = {"GaussianNB": _as_is, "MultinomialNB": _as_is, "ComplementNB": _as_is, "BernoulliNB": _binarized}
