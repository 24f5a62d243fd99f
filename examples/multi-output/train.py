"""Several answers a row: weight, waist and pulse from chin-ups, sit-ups and jumps."""

from pathlib import Path

import joblib
from sklearn.datasets import load_linnerud
from sklearn.ensemble import RandomForestRegressor

exercises, bodies = load_linnerud(return_X_y=True)
model = RandomForestRegressor(50, random_state=0).fit(exercises, bodies)

folder = Path(__file__).parent / "model"
folder.mkdir(exist_ok=True)
joblib.dump(model, folder / "model.joblib")
