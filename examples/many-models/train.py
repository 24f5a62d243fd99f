"""Train twenty small models: five classifiers for each of the four data sets that scikit-learn brings along."""

from pathlib import Path

import joblib
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

HERE = Path(__file__).parent
DATA = {"iris": load_iris, "wine": load_wine, "cancer": load_breast_cancer, "digits": load_digits}
CLASSIFIERS = {
    "linear": LinearDiscriminantAnalysis,
    "bayes": GaussianNB,
    "neighbors": KNeighborsClassifier,
    "tree": lambda: DecisionTreeClassifier(random_state=0),
    "forest": lambda: RandomForestClassifier(10, random_state=0),
}


def main() -> None:
    for data, load in DATA.items():
        features, classes = load(return_X_y=True)
        for name, classifier in CLASSIFIERS.items():
            folder = HERE / "model" / f"{data}-{name}"
            folder.mkdir(parents=True, exist_ok=True)
            joblib.dump(classifier().fit(features, classes), folder / "model.joblib")


if __name__ == "__main__":
    main()
