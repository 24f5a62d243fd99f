"""A regressor: how far the diabetes will have come in a year, from ten measurements."""

from pathlib import Path

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

measurements, progression = load_diabetes(return_X_y=True, scaled=False)
model = make_pipeline(StandardScaler(), RidgeCV()).fit(measurements, progression)

folder = Path(__file__).parent / "model"
folder.mkdir(exist_ok=True)
joblib.dump(model, folder / "model.joblib")
