"""The models that every server of a run loads from one file."""

from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC


def folder(fit: Callable[[], object], cache: Path) -> Path:
    """Return a folder that holds the fitted model as model.joblib, fitting it on the first call."""
    path = cache / f"{fit.__name__}-{sklearn.__version__}"
    if not (path / "model.joblib").exists():
        path.mkdir(parents=True, exist_ok=True)
        joblib.dump(fit(), path / "model.partial")
        (path / "model.partial").rename(path / "model.joblib")
    return path


def iris_logistic_regression() -> LogisticRegression:
    features, classes = load_iris(return_X_y=True)
    return LogisticRegression(max_iter=200).fit(features, classes)


def iris_forest() -> RandomForestClassifier:
    return RandomForestClassifier(200, random_state=0).fit(*load_iris(return_X_y=True))


def iris_svc() -> SVC:
    return SVC().fit(*load_iris(return_X_y=True))


def wide_logistic_regression() -> LogisticRegression:
    return LogisticRegression(max_iter=500).fit(
        *make_classification(500, 30, n_informative=12, random_state=0)
    )


def people() -> Pipeline:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random.normal(40, 12, 300),
            "city": random.choice(["Rome", "Oslo", "Bonn", "Graz"], 300),
            "visits": random.integers(0, 9, 300),
        }
    )
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer(
        [("n", numbers, ["age", "visits"]), ("w", OneHotEncoder(handle_unknown="ignore"), ["city"])]
    )
    return make_pipeline(columns, LogisticRegression()).fit(frame, frame["visits"] > 4)


def histogram_boosting() -> HistGradientBoostingClassifier:
    features, classes = make_classification(3000, 30, n_informative=12, random_state=0)
    return HistGradientBoostingClassifier(random_state=0).fit(features, classes)
