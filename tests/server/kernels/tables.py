"""Small fitted models that take columns by name: encoders, imputers and scalers in a ColumnTransformer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.svm import SVC

RANDOM = np.random.default_rng(5)
COUNT = 80
PEOPLE = pd.DataFrame(
    {
        "age": np.where(RANDOM.random(COUNT) < 0.2, np.nan, RANDOM.normal(40, 12, COUNT)),
        "city": RANDOM.choice(["Rome", "Oslo", "Bonn", "Graz"], COUNT),
        "visits": RANDOM.integers(0, 9, COUNT),
        "plan": RANDOM.choice(["free", "paid"], COUNT),
        "note": RANDOM.choice(["good fine", "bad poor", "so so"], COUNT),
    }
)
KIND = RANDOM.choice(["a", "b", "c"], COUNT)
LENGTH = PEOPLE["visits"] * 2.5 + RANDOM.normal(size=COUNT)
GAPPY = PEOPLE.assign(city=PEOPLE["city"].where(RANDOM.random(COUNT) > 0.2, np.nan))
NUMBERS = make_pipeline(SimpleImputer(), StandardScaler())
WORDS = ["city", "plan"]


def model(last: Any, words: Any = None, numbers: Any = NUMBERS, rest: str = "drop", **more: Any) -> Any:
    encoder = OneHotEncoder(handle_unknown="ignore") if words is None else words
    parts = [("numbers", numbers, ["age", "visits"]), ("words", encoder, WORDS)]
    steps = [("columns", ColumnTransformer(parts, remainder=rest, **more)), ("model", last)]
    return Pipeline([step for step in steps if step[1] is not None])


def logistic() -> Any:
    return LogisticRegression(max_iter=200)


FILLED = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))

# Every method of each of these must be answered without a data frame.
KNOWN: dict[str, Callable[[], Any]] = {
    "sparse logistic": lambda: model(logistic(), sparse_threshold=1.0).fit(PEOPLE, KIND),
    "sparse logistic binary": lambda: model(logistic(), sparse_threshold=1.0).fit(PEOPLE, KIND == "a"),
    "dense logistic": lambda: model(logistic(), sparse_threshold=0.0).fit(PEOPLE, KIND),
    "strict encoder": lambda: model(logistic(), OneHotEncoder()).fit(PEOPLE, KIND),
    "dropping encoder": lambda: model(logistic(), OneHotEncoder(drop="first")).fit(PEOPLE, KIND),
    "dropping if binary": lambda: model(logistic(), OneHotEncoder(drop="if_binary", sparse_output=False)).fit(
        PEOPLE, KIND
    ),
    "filled words": lambda: model(logistic(), FILLED).fit(GAPPY, KIND),
    "ordinal histogram": lambda: model(
        HistGradientBoostingClassifier(max_iter=5),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        "passthrough",
    ).fit(PEOPLE, KIND),
    "forest": lambda: model(RandomForestClassifier(8, random_state=0), sparse_threshold=0.0).fit(
        PEOPLE, KIND
    ),
    "sparse forest": lambda: model(RandomForestClassifier(8, random_state=0), sparse_threshold=1.0).fit(
        PEOPLE, KIND
    ),
    "sparse svc": lambda: model(SVC(), sparse_threshold=1.0).fit(PEOPLE, KIND),
    "least squares": lambda: model(LinearRegression()).fit(PEOPLE, LENGTH),
    "polynomial numbers": lambda: model(
        LinearRegression(), numbers=make_pipeline(SimpleImputer(), PolynomialFeatures(), MinMaxScaler())
    ).fit(PEOPLE, LENGTH),
    "coded numbers": lambda: Pipeline(
        [
            ("columns", ColumnTransformer([("codes", OneHotEncoder(handle_unknown="ignore"), ["visits"])])),
            ("model", logistic()),
        ]
    ).fit(PEOPLE, KIND),
    "only a transformer": lambda: model(None).fit(PEOPLE),
    "chosen by type": lambda: make_pipeline(
        ColumnTransformer(
            [
                ("n", NUMBERS, make_column_selector(dtype_include="number")),
                ("w", OneHotEncoder(handle_unknown="ignore"), [1]),
            ]
        ),
        StandardScaler(with_mean=False),
        logistic(),
    ).fit(PEOPLE, KIND),
    "grid search": lambda: GridSearchCV(model(logistic()), {"model__C": [0.1, 1.0]}, cv=2).fit(PEOPLE, KIND),
}

# These keep their data frame.
UNKNOWN: dict[str, Callable[[], Any]] = {
    "a column of text": lambda: make_pipeline(
        ColumnTransformer([("t", TfidfVectorizer(), "note"), ("n", NUMBERS, ["age"])]), logistic()
    ).fit(PEOPLE, KIND),
    "weights": lambda: model(logistic(), transformer_weights={"numbers": 2.0}).fit(PEOPLE, KIND),
    "infrequent words": lambda: model(logistic(), OneHotEncoder(min_frequency=25)).fit(PEOPLE, KIND),
    "frames out": lambda: make_pipeline(
        ColumnTransformer([("n", NUMBERS, ["age"])]).set_output(transform="pandas"), logistic()
    ).fit(PEOPLE, KIND),
}


def fitted(name: str) -> Any:
    return {**KNOWN, **UNKNOWN}[name]()
