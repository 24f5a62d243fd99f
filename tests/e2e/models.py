"""Three real models in one image: numbers, text, and a data frame of mixed columns."""

import hashlib
from pathlib import Path
from uuid import uuid4

import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from tools.cluster.host import archive

# A tag a run: containerd keeps a volume's old image for a tag whose content changes.
REFERENCE = f"localhost/kserve-lite/e2e-models:{uuid4().hex[:8]}"
# What each model is asked, and what it answers.
QUESTIONS = {
    "iris": ([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], [0, 2]),
    "text": (["a fine wine", "a broken engine"], ["drink", "machine"]),
    "mixed": ([{"colour": "red", "size": 1.0}, {"colour": "blue", "size": 9.0}], ["small", "large"]),
}


def image(folder: Path) -> Path:
    """Train the models and return them as the archive of an image that holds nothing else."""
    files = {}
    for name, model in (("iris", iris()), ("text", text()), ("mixed", mixed())):
        path = folder / f"{name}.joblib"
        joblib.dump(model, path)
        files[f"/{name}/model.joblib"] = path
    files["/models/model.joblib"] = files["/iris/model.joblib"]  # where a model image has its model
    foreign = folder / "foreign.joblib"
    foreign.write_bytes(b"cno_such_package.parts\nThing\n.")  # a pickle of a class that nobody has
    files["/foreign/model.joblib"] = foreign
    broken = folder / "broken.joblib"
    broken.write_bytes(b"no model at all " + hashlib.sha256(b"").digest())
    files["/broken/model.joblib"] = broken
    target = folder / "models.tar"
    archive.write(target, REFERENCE, files, ["/none"])
    return target


def iris() -> object:
    """Fit numbers to integer labels."""
    data = load_iris()
    return LogisticRegression(max_iter=1000).fit(data.data, data.target)


def text() -> object:
    """Fit sentences to string labels."""
    sentences = [
        "a fine wine",
        "a cold beer",
        "red wine",
        "a broken engine",
        "an old engine",
        "a machine part",
    ]
    return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(
        sentences, ["drink"] * 3 + ["machine"] * 3
    )


def mixed() -> object:
    """Fit a frame of a string and a number column to string labels."""
    frame = pd.DataFrame({"colour": ["red", "red", "blue", "blue"] * 5, "size": [1.0, 2.0, 8.0, 9.0] * 5})
    columns = make_column_transformer((OneHotEncoder(), ["colour"]), ("passthrough", ["size"]))
    return make_pipeline(columns, LogisticRegression()).fit(frame, ["small", "small", "large", "large"] * 5)
