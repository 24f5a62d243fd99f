"""Numbers, text and gaps in one table: a ColumnTransformer before a classifier that answers "high" or "low"."""

from pathlib import Path

import joblib
import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

table = load_diabetes(as_frame=True, scaled=False).frame
table["sex"] = table["sex"].map({1.0: "female", 2.0: "male"})
table.loc[::7, "bmi"] = np.nan  # as in life, some were never measured
risk = np.where(table["target"] > table["target"].median(), "high", "low")

columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), ["sex"]),
    (SimpleImputer(), ["age", "bmi", "bp"]),
)
model = make_pipeline(columns, RandomForestClassifier(50, max_depth=6, random_state=0))
model.fit(table[["sex", "age", "bmi", "bp"]], risk)

folder = Path(__file__).parent / "model"
folder.mkdir(exist_ok=True)
joblib.dump(model, folder / "model.joblib")
