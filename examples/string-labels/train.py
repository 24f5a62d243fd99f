"""A classifier whose classes are words: it answers "setosa", not 0."""

from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier

iris = load_iris()
model = HistGradientBoostingClassifier(random_state=0).fit(iris.data, iris.target_names[iris.target])

folder = Path(__file__).parent / "model"
folder.mkdir(exist_ok=True)
joblib.dump(model, folder / "model.joblib")
