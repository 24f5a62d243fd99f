"""Gradient boosting: scikit-learn's own pass over all stages, without the checks around it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kserve_lite_server.engine.kernels import trees
from kserve_lite_server.engine.kernels.kernel import Domain, Kernel, Unavailable, private, standing_in

METHODS = {
    "GradientBoostingClassifier.predict": "predict",
    "GradientBoostingClassifier.predict_proba": "predict_proba",
    "GradientBoostingClassifier.predict_log_proba": "predict_log_proba",
    "GradientBoostingClassifier.decision_function": "decision_function",
    "GradientBoostingRegressor.predict": "predict",
}


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's gradient boosting defines."""
    name = METHODS.get(qualname)
    if name is None:
        return None
    raw = _raw(estimator)

    def decision(X: NDArray[Any]) -> Any:
        found = raw(X)
        return found.ravel() if found.shape[1] == 1 else found

    if name == "decision_function" or qualname == "GradientBoostingRegressor.predict":
        return Kernel("boosting stages", lambda X, each: decision(X), Domain.FINITE)
    answer = getattr(standing_in(estimator, decision_function=decision), name)
    return Kernel("boosting stages", lambda X, each: answer(X), Domain.FINITE)


def _raw(model: Any) -> Any:
    from sklearn.ensemble import _gradient_boosting

    predict_stages = private(_gradient_boosting, "predict_stages")
    if model.init_ != "zero" and type(model.init_).__name__ not in ("DummyClassifier", "DummyRegressor"):
        raise Unavailable("the initial estimator is a model of its own")
    start = private(model, "_raw_predict_init")(np.zeros((1, model.n_features_in_), np.float32))
    stages, rate = model.estimators_, model.learning_rate

    def raw(X: NDArray[Any]) -> Any:
        scores = np.repeat(start, len(X), axis=0)
        predict_stages(stages, trees.narrow(X), rate, scores)
        return scores

    return raw
