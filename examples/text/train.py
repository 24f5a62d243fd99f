"""A text pipeline: which of scikit-learn's data sets does a sentence speak of? Trained on their own descriptions."""

import re
from pathlib import Path

import joblib
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

LOADERS = {
    "breast cancer": load_breast_cancer,
    "diabetes": load_diabetes,
    "digits": load_digits,
    "iris": load_iris,
    "linnerud": load_linnerud,
    "wine": load_wine,
}

sentences: list[str] = []
labels: list[str] = []
for name, load in LOADERS.items():
    found = [part.strip() for part in re.split(r"[.:\n]+\s", load().DESCR) if len(part.split()) > 3]
    sentences += found
    labels += [name] * len(found)

model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=1000)).fit(
    sentences, labels
)

folder = Path(__file__).parent / "model"
folder.mkdir(exist_ok=True)
joblib.dump(model, folder / "model.joblib")
