"""Multi-layer perceptrons: the forward pass, with scikit-learn's own activations."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kserve_lite_server.engine.kernels.kernel import Kernel, Unavailable, private, rows_times


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's perceptrons define."""
    maker = MAKERS.get(qualname)
    return Kernel("forward pass", maker(estimator)) if maker else None


def _forward(model: Any) -> Any:
    from sklearn.neural_network import _base

    activations = private(_base, "ACTIVATIONS")
    hidden, output = activations[model.activation], activations[model.out_activation_]
    layers = list(zip(model.coefs_, model.intercepts_, strict=True))

    def forward(X: NDArray[Any], each: bool) -> Any:
        for number, (weights, bias) in enumerate(layers, 1):
            X = rows_times(X, weights, each)
            X += bias
            (hidden if number < len(layers) else output)(X)
        return X

    return forward


def _labels(model: Any) -> Any:
    forward, classes = _forward(model), model.classes_
    kind = model._label_binarizer.y_type_
    if kind == "multiclass":
        return lambda X, each: classes.take(forward(X, each).argmax(axis=1))
    if kind == "binary" and len(classes) == 2:
        return lambda X, each: classes.take((forward(X, each) > 0.5).astype(np.intp).ravel())
    raise Unavailable(f"labels of kind {kind}")


def _probabilities(model: Any) -> Any:
    forward = _forward(model)

    def probabilities(X: NDArray[Any], each: bool) -> Any:
        found = forward(X, each)
        if found.shape[1] > 1:
            return found
        positive = found.ravel()
        return np.vstack([1 - positive, positive]).T

    return probabilities


def _log_probabilities(model: Any) -> Any:
    probabilities = _probabilities(model)
    return lambda X, each: np.log(probabilities(X, each))


def _regression(model: Any) -> Any:
    forward = _forward(model)

    def regression(X: NDArray[Any], each: bool) -> Any:
        found = forward(X, each)
        return found.ravel() if found.shape[1] == 1 else found

    return regression


MAKERS = {
    "MLPClassifier.predict": _labels,
    "MLPClassifier.predict_proba": _probabilities,
    "MLPClassifier.predict_log_proba": _log_probabilities,
    "MLPRegressor.predict": _regression,
}
