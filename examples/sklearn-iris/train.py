"""Train a classifier on the iris data and write the model folder that isvc.yaml names; nothing to do, nothing done."""

import hashlib
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / "my-sklearn-model"
RECIPE = HERE / ".trained-by"

SKLEARNSERVER = """\
modelFormat: sklearn
modelUri: model.joblib
method: predict
"""


def main() -> None:
    script = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    recipe = f"scikit-learn {version('scikit-learn')}, train.py {script}\n"
    if (FOLDER / "model.joblib").exists() and RECIPE.exists() and RECIPE.read_text() == recipe:
        return
    import joblib  # these take a second, which a second `make run` saves
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    features, species = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=1000).fit(features, species)
    FOLDER.mkdir(exist_ok=True)
    joblib.dump(model, FOLDER / "model.joblib")
    (FOLDER / "sklearnserver.yaml").write_text(SKLEARNSERVER)
    RECIPE.write_text(recipe)
    print(f"Trained {FOLDER / 'model.joblib'}: {model.score(features, species):.1%} right on its own data")


if __name__ == "__main__":
    main()
