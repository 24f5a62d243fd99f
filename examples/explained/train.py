"""Boosted trees that predict how diabetes goes on, and the rows of the training data that explanations compare with."""

from pathlib import Path

import joblib
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

COLUMNS = ["age", "sex", "bmi", "bp"]

data = load_diabetes(as_frame=True, scaled=False)
rows = data.data[COLUMNS]
model = GradientBoostingRegressor(n_estimators=50, random_state=0).fit(rows, data.target)

folder = Path(__file__).parent / "model"
folder.mkdir(exist_ok=True)
joblib.dump(model, folder / "model.joblib")
rows.sample(50, random_state=0).to_csv(folder / "background.csv", index=False)
