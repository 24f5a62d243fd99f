"""The models that every server of a run loads from one file."""

from collections.abc import Callable
from pathlib import Path

import joblib
import sklearn
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
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


def histogram_boosting() -> HistGradientBoostingClassifier:
    features, classes = make_classification(3000, 30, n_informative=12, random_state=0)
    return HistGradientBoostingClassifier(random_state=0).fit(features, classes)
