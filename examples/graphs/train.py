"""Train the models of the graphs: three classifiers, a projection, and a classifier of projected rows."""

from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

HERE = Path(__file__).parent


def main() -> None:
    features, species = load_iris(return_X_y=True)
    projection = PCA(2).fit(features)
    models = {
        "linear": LogisticRegression(max_iter=1000).fit(features, species),
        "forest": RandomForestClassifier(20, random_state=0).fit(features, species),
        "neighbors": KNeighborsClassifier().fit(features, species),
        "project": projection,
        "classify": LogisticRegression(max_iter=1000).fit(projection.transform(features), species),
    }
    for name, model in models.items():
        folder = HERE / "model" / name
        folder.mkdir(parents=True, exist_ok=True)
        joblib.dump(model, folder / "model.joblib")


if __name__ == "__main__":
    main()
