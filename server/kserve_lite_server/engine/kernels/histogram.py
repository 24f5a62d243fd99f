"""Histogram gradient boosting: all trees in one walk, by scikit-learn's own predictor."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kserve_lite_server.engine.kernels import grove
from kserve_lite_server.engine.kernels.kernel import Domain, Kernel, once, private, standing_in

METHODS = {
    "HistGradientBoostingClassifier.predict": "predict",
    "HistGradientBoostingClassifier.predict_proba": "predict_proba",
    "HistGradientBoostingClassifier.decision_function": "decision_function",
    "HistGradientBoostingRegressor.predict": "predict",
}


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's histogram gradient boosting defines."""
    name = METHODS.get(qualname)
    if name is None:
        return None
    answer = getattr(standing_in(estimator, _raw_predict=_raw(estimator)), name)
    return Kernel("joined histogram trees", lambda X, each: answer(X), Domain.ANY)


@once
def _raw(model: Any) -> Any:
    """Return a function from rows to raw scores, shape (rows, trees per iteration)."""
    predictors = [tree for iteration in model._predictors for tree in iteration]
    columns = model.n_trees_per_iteration_
    encode = getattr(private(model, "_preprocessor"), "transform", None)
    known, places = private(model._bin_mapper, "make_known_categories_bitsets")()
    places = np.append(places, places.dtype.type(0))
    copies = grove.Copies(len(predictors), len(places) - 1, np.float64)
    joined = _join(predictors, len(places) - 1)
    baseline = model._baseline_prediction.reshape(columns, 1)

    def block(X: NDArray[Any]) -> NDArray[Any]:
        terms = np.empty((1 + len(predictors) // columns, columns, len(X)))
        terms[0] = baseline
        terms[1:] = joined.predict(copies.of(X), known, places, 1).reshape(-1, columns, len(X))
        return grove.running_sum(terms)

    def raw(X: NDArray[Any]) -> Any:
        parts = copies.blocks(X if encode is None else encode(X))
        return (block(parts[0]) if len(parts) == 1 else np.concatenate([block(p) for p in parts], axis=1)).T

    return raw


def _join(predictors: list[Any], column: int) -> Any:
    """Return one predictor of scikit-learn's own type that routes by `column`."""
    sizes = [len(predictor.nodes) for predictor in predictors]
    roots = grove.offsets(sizes)
    nodes = np.zeros(len(predictors) - 1 + sum(sizes), predictors[0].nodes.dtype)
    bitsets = 0
    for predictor, root, size in zip(predictors, roots, sizes, strict=True):
        own = nodes[root : root + size]
        own[:] = predictor.nodes
        inner = own["is_leaf"] == 0
        own["left"][inner] += np.uint32(root)
        own["right"][inner] += np.uint32(root)
        own["bitset_idx"] += np.uint32(bitsets)
        bitsets += len(predictor.raw_left_cat_bitsets)

    def split(node: Any, left: int, right: int, threshold: float) -> None:
        node["left"], node["right"] = left, right
        node["feature_idx"], node["num_threshold"] = column, threshold

    grove.route(nodes, roots, split)
    raw = np.concatenate([predictor.raw_left_cat_bitsets for predictor in predictors])
    return type(predictors[0])(nodes, raw, raw)
