"""`python -m tests.bench.kernels`: microseconds a call of `predict` and of its kernel, in process, 1 and 64 rows."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from kserve_lite_server.engine.kernels import choose
from tests.bench import models

ROUNDS = 7
CALLS = 30


def imputed_svc() -> Any:
    return make_pipeline(SimpleImputer(), StandardScaler(), PCA(2), SVC()).fit(*load_iris(return_X_y=True))


MODELS = (
    models.iris_logistic_regression,
    models.iris_svc,
    models.iris_forest,
    models.histogram_boosting,
    imputed_svc,
)


def main() -> None:
    """Print one line a model: the shortest round of each, estimator and kernel in turn."""
    print("| model | kernel | rows | predict | kernel | ratio |\n|---|---|---|---|---|---|")
    for fit in MODELS:
        model = fit()
        method = choose(model).methods["predict"]
        for count in (1, 64):
            rows = np.random.default_rng(0).normal(3, 2, size=(count, model.n_features_in_))
            own, ours = fastest(model.predict, method.call, rows)
            print(f"| {fit.__name__} | {method} | {count} | {own:.1f} | {ours:.1f} | {own / ours:.1f}x |")


def fastest(one: Callable[[Any], Any], other: Callable[[Any], Any], rows: Any) -> tuple[float, float]:
    """Return the shortest microseconds a call of both, measured in turn."""
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for number, answer in enumerate((one, other)):
            start = time.perf_counter()
            for _ in range(CALLS):
                answer(rows)
            best[number] = min(best[number], (time.perf_counter() - start) / CALLS * 1e6)
    return best[0], best[1]


if __name__ == "__main__":
    main()
