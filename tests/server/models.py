"""The fitted models that the server's tests serve, each as a data scientist would save it."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris, make_regression
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

IRIS = load_iris()
TEXTS = ["good fine great", "bad awful poor", "great good", "poor bad", "fine", "awful"]
PEOPLE = pd.DataFrame(
    {
        "age": [20.0, 30.0, np.nan, 50.0, 60.0, 25.0],
        "city": ["Rome", "Oslo", "Rome", "Bonn", "Oslo", "Bonn"],
        "visits": [1, 2, 3, 4, 5, 6],
    }
)


def iris() -> Any:
    return LogisticRegression(max_iter=500).fit(IRIS.data, IRIS.target)


def flowers() -> Any:
    """String labels."""
    return LogisticRegression(max_iter=500).fit(IRIS.data, IRIS.target_names[IRIS.target])


def text() -> Any:
    return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, [1, 0, 1, 0, 1, 0])


def mixed() -> Any:
    """Numbers with gaps and words, by column name."""
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "visits"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ]
    )
    return Pipeline([("columns", columns), ("model", LogisticRegression())]).fit(
        PEOPLE, ["a", "b", "a", "c", "b", "c"]
    )


def named() -> Any:
    """Fitted on a data frame of numbers."""
    frame = pd.DataFrame(IRIS.data, columns=["sepal_length", "sepal_width", "petal_length", "petal_width"])
    return LogisticRegression(max_iter=500).fit(frame, IRIS.target)


def regressor() -> Any:
    return LinearRegression().fit(*make_regression(60, 3, random_state=1))


def multi_output() -> Any:
    rows, targets = make_regression(60, 3, n_targets=2, random_state=1)
    return LinearRegression().fit(rows, targets)


def multi_label() -> Any:
    labels = np.column_stack([IRIS.target, IRIS.target % 2])
    return RandomForestClassifier(5, random_state=0).fit(IRIS.data, labels)


def gaps() -> Any:
    """Takes NaN."""
    rows = IRIS.data.copy()
    rows[::7, 1] = np.nan
    return HistGradientBoostingClassifier(max_iter=5).fit(rows, IRIS.target)


def sparse() -> Any:
    """Gives a sparse matrix."""
    return TfidfVectorizer().fit(TEXTS)


def scaler() -> Any:
    """Gives floats from `transform` only."""
    return StandardScaler().fit(IRIS.data)


class Slow(ClassifierMixin, BaseEstimator):
    """Takes as many seconds as the first value of the first row says; below 0, until a file `go` appears."""

    def fit(self, rows: Any, targets: Any) -> "Slow":
        self.n_features_in_ = 1
        self.classes_ = np.unique(targets)
        return self

    def predict(self, rows: Any) -> Any:
        import os
        import time

        seconds, place = float(np.asarray(rows)[0, 0]), os.environ.get("SLOW_PLACE", "")
        if seconds >= 0:
            time.sleep(seconds)
            return np.zeros(len(rows), dtype=int)
        with open(os.path.join(place, "begun"), "w"):
            pass
        while not os.path.exists(os.path.join(place, "go")):
            time.sleep(0.01)
        return np.zeros(len(rows), dtype=int)


class Broken(Slow):
    """Fails in `predict` for a reason that is not the caller's."""

    def predict(self, rows: Any) -> Any:
        raise RuntimeError("the disk is on fire at /secret/place")


def slow() -> Any:
    return Slow().fit([[0.0]], [0])


def broken() -> Any:
    return Broken().fit([[0.0]], [0])


GOOD = {
    make.__name__: make
    for make in (
        iris,
        flowers,
        text,
        mixed,
        named,
        regressor,
        multi_output,
        multi_label,
        gaps,
        sparse,
        scaler,
        slow,
        broken,
    )
}


def save(estimator: Any, folder: Path, name: str = "model.joblib") -> Path:
    """Save into a folder of its own, classes of this module by value, so that the server needs no test
    code."""
    folder.mkdir(parents=True, exist_ok=True)
    if type(estimator).__module__ == __name__:
        import cloudpickle

        cloudpickle.register_pickle_by_value(__import__(__name__, fromlist=["x"]))
        (folder / name).write_bytes(cloudpickle.dumps(estimator))
    else:
        joblib.dump(estimator, folder / name)
    return folder
