"""Nearest neighbours: a direct query of scikit-learn's own index; the vote stays scikit-learn's."""

from typing import Any

from numpy.typing import NDArray

from kserve_lite_server.engine.kernels.kernel import Kernel, Unavailable, private, standing_in

METHODS = {
    "KNeighborsClassifier.predict": "predict",
    "KNeighborsClassifier.predict_proba": "predict_proba",
    "KNeighborsRegressor.predict": "predict",
}


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's k-nearest-neighbour models define."""
    name = METHODS.get(qualname)
    if name is None:
        return None
    if estimator._fit_method not in ("kd_tree", "ball_tree"):
        raise Unavailable(
            f"neighbours are found by {estimator._fit_method}, which scikit-learn runs in one call"
        )
    query = private(estimator._tree, "query")

    def kneighbors(X: NDArray[Any], n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        return query(X, n_neighbors or estimator.n_neighbors, return_distance)

    answer = getattr(standing_in(estimator, kneighbors=kneighbors), name)
    return Kernel("index query", lambda X, each: answer(X))
