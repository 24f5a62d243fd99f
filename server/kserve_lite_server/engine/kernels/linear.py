"""Linear models: one matrix product, then scikit-learn's own link from scores to answers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from kserve_lite_server.engine.kernels.kernel import Kernel, Unavailable, rows_times


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's linear models define."""
    maker = MAKERS.get(qualname)
    if maker is None:
        return None
    if not isinstance(estimator.coef_, np.ndarray):
        raise Unavailable("the coefficients are sparse")
    return Kernel("linear", maker(estimator))


def _scores(model: Any) -> Any:
    matrix = model.coef_.T
    intercept = model.intercept_

    def scores(X: NDArray[Any], each: bool) -> Any:
        result = rows_times(X, matrix, each) + intercept
        return result.ravel() if result.ndim > 1 and result.shape[1] == 1 else result

    return scores


def _regression(model: Any) -> Any:
    matrix = model.coef_.T
    intercept = model.intercept_
    return lambda X, each: rows_times(X, matrix, each) + intercept


def _flat_regression(model: Any) -> Any:
    regression = _regression(model)
    return lambda X, each: regression(X, each).ravel()


def _generalized(model: Any) -> Any:
    regression, inverse = _regression(model), model._base_loss.link.inverse
    return lambda X, each: inverse(regression(X, each))


def _labels(model: Any) -> Any:
    scores, classes = _scores(model), model.classes_

    def labels(X: NDArray[Any], each: bool) -> Any:
        found = scores(X, each)
        index = (found > 0).astype(np.intp) if found.ndim == 1 else found.argmax(axis=1)
        return classes.take(index, axis=0)

    return labels


def _multilabel_or_labels(model: Any) -> Any:
    if model._label_binarizer.y_type_.startswith("multilabel"):
        raise Unavailable("multilabel ridge")
    return _labels(model)


def _one_vs_rest(model: Any) -> Any:
    scores = _scores(model)

    def probabilities(X: NDArray[Any], each: bool) -> Any:
        found = scores(X, each)
        expit(found, out=found)
        if found.ndim == 1:
            return np.vstack([1 - found, found]).T
        total = found.sum(axis=1)
        if not total.all():  # scikit-learn's answer for rows without any mass changed between its versions
            return model._predict_proba_lr(X)
        found /= total.reshape(len(found), -1)
        return found

    return probabilities


def _softmax(model: Any) -> Any:
    scores = _scores(model)

    def probabilities(X: NDArray[Any], each: bool) -> Any:
        found = scores(X, each)
        if found.ndim == 1:
            found = np.c_[-found, found]
        found -= found.max(axis=1).reshape(-1, 1)
        np.exp(found, out=found)
        found /= found.sum(axis=1).reshape(-1, 1)
        return found

    return probabilities


def _logistic(model: Any) -> Any:
    scheme = getattr(model, "multi_class", "auto")
    binary = len(model.classes_) <= 2
    if not hasattr(model, "multi_class"):
        return _one_vs_rest(model) if binary else _softmax(model)
    liblinear = model.solver == "liblinear" or (model.solver == "newton-cholesky" and scheme != "multinomial")
    by_default = scheme in ("auto", "deprecated") and (binary or liblinear)
    return _one_vs_rest(model) if scheme in ("ovr", "warn") or by_default else _softmax(model)


def _logarithm_of(maker: Any) -> Any:
    def make(model: Any) -> Any:
        probabilities = maker(model)
        return lambda X, each: np.log(probabilities(X, each))

    return make


def _sgd(model: Any) -> Any:
    if model.loss != "log_loss":
        raise Unavailable(f"probabilities of SGD with loss {model.loss}")
    return _one_vs_rest(model)


MAKERS = {
    "LinearClassifierMixin.decision_function": _scores,
    "LinearClassifierMixin.predict": _labels,
    "LogisticRegression.predict_proba": _logistic,
    "LogisticRegression.predict_log_proba": _logarithm_of(_logistic),
    "SGDClassifier.predict_proba": _sgd,
    "SGDClassifier.predict_log_proba": _logarithm_of(_sgd),
    "_RidgeClassifierMixin.predict": _multilabel_or_labels,
    "LinearDiscriminantAnalysis.decision_function": _scores,
    "LinearModel.predict": _regression,
    "Ridge.predict": _regression,
    "RidgeCV.predict": _regression,
    "MultiOutputLinearModel.predict": _regression,
    "BaseSGDRegressor.predict": _flat_regression,
    "_GeneralizedLinearRegressor.predict": _generalized,
}
