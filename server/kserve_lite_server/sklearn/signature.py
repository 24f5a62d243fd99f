"""What a fitted estimator takes and gives, read from the estimator itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# In the order in which they are offered; every one takes rows and gives one result a row.
METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score_samples",
    "transform",
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What rows look like (`features` names, `width`), and in which form the estimator wants them."""

    methods: tuple[str, ...]
    features: tuple[str, ...] | None
    width: int | None
    text: bool  # each row is one string
    frame: bool  # a column is asked for by its name, so rows must come as a data frame
    steady: bool  # scikit-learn's own code only: time depends on the number of rows alone
    classes: Any = None


def read_signature(estimator: Any) -> Signature:
    """Look at a fitted estimator; nothing is run."""
    features = getattr(estimator, "feature_names_in_", None)
    parts = list(_parts(estimator))
    own = all(type(part).__module__.startswith("sklearn.") for part in parts)
    by_name = not own or any(
        type(part).__name__ in ("ColumnTransformer", "FunctionTransformer") for part in parts
    )
    return Signature(
        methods=tuple(name for name in METHODS if callable(getattr(estimator, name, None))),
        features=None if features is None else tuple(str(name) for name in features),
        width=getattr(estimator, "n_features_in_", None),
        text=_takes_text(estimator),
        frame=features is not None and by_name,
        steady=own and not any(type(part).__name__ == "FunctionTransformer" for part in parts),
        classes=getattr(estimator, "classes_", None),
    )


def _parts(estimator: Any) -> Iterator[Any]:
    """The estimator and every estimator inside it, a fitted search's best one included."""
    yield estimator
    if best := getattr(estimator, "best_estimator_", None):
        yield from _parts(best)
    if hasattr(estimator, "get_params") and not isinstance(estimator, type):
        for value in estimator.get_params(deep=True).values():
            if hasattr(value, "fit") and not isinstance(value, type):
                yield value
            elif callable(value) and not isinstance(value, type) and not _own(value):
                yield value  # somebody's function, as FunctionTransformer or a vectorizer's analyzer takes


def _own(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).startswith(("sklearn.", "numpy", "scipy"))


def _takes_text(estimator: Any) -> bool:
    while True:
        if best := getattr(estimator, "best_estimator_", None):
            estimator = best
        elif steps := getattr(estimator, "steps", None):
            estimator = steps[0][1]
        elif union := getattr(estimator, "transformer_list", None):
            estimator = union[0][1]
        else:
            return type(estimator).__name__ in ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
