"""Random and extra forests: all trees in one walk, added up in the order in which scikit-learn adds them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kserve_lite_server.engine.kernels import grove, trees
from kserve_lite_server.engine.kernels.kernel import Kernel, Unavailable, once, standing_in

LARGEST_COPY = 256 << 20  # bytes of nodes and leaves that may be held twice for speed


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's forests define."""
    maker = MAKERS.get(qualname)
    if maker is None:
        return None
    parts = [tree.tree_ for tree in estimator.estimators_]
    size = sum(part.__getstate__()["nodes"].nbytes + part.value.nbytes for part in parts)
    if size > LARGEST_COPY:
        raise Unavailable(f"a joined copy of the trees would take {size >> 20} MiB of memory")
    compute = maker(estimator, _means(estimator))
    return Kernel("joined forest", compute, trees.domain(estimator.estimators_[0]))


@once
def _means(forest: Any) -> Any:
    """Return a function from rows to the mean leaf values, shape (rows, outputs, classes)."""
    parts = [tree.tree_ for tree in forest.estimators_]
    joined, leaves = _join(parts)
    copies = grove.Copies(len(parts), forest.n_features_in_, np.float32)

    def block(X: NDArray[Any]) -> NDArray[np.float64]:
        found = leaves.take(joined.apply(copies.of(X)), axis=0)
        return grove.running_sum(found.reshape(len(parts), len(X), *leaves.shape[1:]))

    def means(X: NDArray[Any]) -> NDArray[np.float64]:
        narrowed = copies.blocks(trees.narrow(X))
        total = (
            block(narrowed[0]) if len(narrowed) == 1 else np.concatenate([block(part) for part in narrowed])
        )
        total /= len(parts)
        return total

    return means


def _join(parts: list[Any]) -> tuple[Any, NDArray[np.float64]]:
    """Return one tree of scikit-learn's own type, and the leaf values of all its nodes."""
    states = [part.__getstate__() for part in parts]
    roots = grove.offsets([state["node_count"] for state in states])
    router = len(parts) - 1
    nodes = np.zeros(router + sum(state["node_count"] for state in states), states[0]["nodes"].dtype)
    leaves = np.zeros((len(nodes), *states[0]["values"].shape[1:]))
    for state, root in zip(states, roots, strict=True):
        own = nodes[root : root + state["node_count"]]
        own[:] = state["nodes"]
        inner = own["left_child"] != -1
        own["left_child"][inner] += root
        own["right_child"][inner] += root
        leaves[root : root + len(own)] = state["values"]
    make, (features, classes, outputs), _ = parts[0].__reduce__()

    def split(node: Any, left: int, right: int, threshold: float) -> None:
        node["left_child"], node["right_child"] = left, right
        node["feature"], node["threshold"] = features, threshold

    grove.route(nodes, roots, split)
    joined = make(features + 1, np.asarray(classes), outputs)
    joined.__setstate__({"max_depth": 0, "node_count": len(nodes), "nodes": nodes, "values": leaves})
    return joined, joined.value


def _classifier(method: str) -> Any:
    def make(forest: Any, means: Any) -> Any:
        def probabilities(X: NDArray[Any]) -> Any:
            found = means(X)
            if forest.n_outputs_ == 1:
                return found[:, 0]
            return [np.ascontiguousarray(found[:, k, :count]) for k, count in enumerate(forest.n_classes_)]

        if method == "predict_proba":
            return lambda X, each: probabilities(X)
        answer = getattr(standing_in(forest, predict_proba=probabilities), method)
        return lambda X, each: answer(X)

    return make


def _labels(forest: Any, means: Any) -> Any:
    if forest.n_outputs_ > 1:
        return _classifier("predict")(forest, means)
    classes = forest.classes_
    return lambda X, each: classes.take(means(X)[:, 0].argmax(axis=1), axis=0)


def _regression(forest: Any, means: Any) -> Any:
    if forest.n_outputs_ > 1:
        return lambda X, each: means(X)[:, :, 0]
    return lambda X, each: means(X)[:, 0, 0]


MAKERS = {
    "ForestClassifier.predict": _labels,
    "ForestClassifier.predict_proba": _classifier("predict_proba"),
    "ForestClassifier.predict_log_proba": _classifier("predict_log_proba"),
    "ForestRegressor.predict": _regression,
}
