"""One decision tree: scikit-learn's own traversal, on rows that are already checked."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kserve_lite_server.engine.kernels.kernel import Domain, Kernel, Outside, standing_in

METHODS = {
    "BaseDecisionTree.predict": "predict",
    "DecisionTreeClassifier.predict_proba": "predict_proba",
    "DecisionTreeClassifier.predict_log_proba": "predict_proba",
}


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's decision trees define."""
    name = METHODS.get(qualname)
    if name is None:
        return None
    answer = partial(getattr(estimator, name), check_input=False)
    if qualname.endswith("predict_log_proba"):
        answer = standing_in(estimator, predict_proba=answer).predict_log_proba
    return Kernel("tree", lambda X, each: answer(narrow(X)), domain(estimator))


def domain(tree: Any) -> Domain:
    """Return which values `tree` itself accepts (NaN has a branch of its own only in some trees)."""
    return Domain.NAN if tree._support_missing_values(np.zeros((1, 1))) else Domain.FINITE


def narrow(X: NDArray[Any]) -> NDArray[np.float32]:
    """Return `X` in the width in which trees compare; a number too large for it is the estimator's."""
    with np.errstate(over="ignore"):
        narrowed = X.astype(np.float32)
    if np.isinf(narrowed).any():
        raise Outside
    return narrowed
