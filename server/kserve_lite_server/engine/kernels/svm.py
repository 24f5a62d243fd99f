"""Support vector machines: scikit-learn's own libsvm, called without the checks around it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kserve_lite_server.engine.kernels.kernel import Kernel, Unavailable, private


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's libsvm models define."""
    maker = MAKERS.get(qualname)
    if maker is None:
        return None
    if callable(estimator.kernel) or estimator.kernel == "precomputed" or estimator._sparse:
        raise Unavailable("the kernel is a function or precomputed, or the model was fitted on sparse rows")
    return Kernel("libsvm", maker(estimator))


def _values(model: Any) -> Any:
    predict = private(model, "_dense_predict")
    return lambda X, each: predict(X)


def _labels(model: Any) -> Any:
    if model.break_ties and model.decision_function_shape == "ovr" and len(model.classes_) > 2:
        raise Unavailable("break_ties")
    predict, classes = private(model, "_dense_predict"), model.classes_
    return lambda X, each: classes.take(np.asarray(predict(X), dtype=np.intp))


def _scores(model: Any) -> Any:
    from sklearn.utils.multiclass import _ovr_decision_function

    decide = private(model, "_dense_decision_function")
    classes = len(model.classes_)
    one_vs_rest = model.decision_function_shape == "ovr" and classes > 2
    binary = model._impl in ("c_svc", "nu_svc") and classes == 2

    def scores(X: NDArray[Any], each: bool) -> Any:
        found = -decide(X).ravel() if binary else decide(X)
        return _ovr_decision_function(found < 0, -found, classes) if one_vs_rest else found

    return scores


def _inliers(model: Any) -> Any:
    predict = private(model, "_dense_predict")
    return lambda X, each: np.asarray(predict(X), dtype=np.intp)


def _distances(model: Any) -> Any:
    decide = private(model, "_dense_decision_function")
    return lambda X, each: decide(X).ravel()


def _probabilities(model: Any) -> Any:
    predict = private(model, "_dense_predict_proba")
    return lambda X, each: predict(X)


def _log_probabilities(model: Any) -> Any:
    predict = private(model, "_dense_predict_proba")
    return lambda X, each: np.log(predict(X))


MAKERS = {
    "BaseLibSVM.predict": _values,
    "OneClassSVM.predict": _inliers,
    "OneClassSVM.decision_function": _distances,
    "BaseSVC.predict": _labels,
    "BaseSVC.decision_function": _scores,
    "BaseSVC.predict_proba": _probabilities,
    "BaseSVC.predict_log_proba": _log_probabilities,
}
