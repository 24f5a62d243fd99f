"""A row that a fitted estimator should take, made from what it remembers of its columns."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kserve_lite_server.protocol.call import Columns, Rows
from kserve_lite_server.sklearn.signature import Signature

WORD = "text"


def sample_row(estimator: Any, signature: Signature) -> Rows | None:
    """One row; None when the estimator says nothing about its rows. It may still be refused: it is a guess."""
    if signature.text:
        return np.array([WORD], dtype=object)
    if signature.frame and signature.features:
        known = dict(_known_values(estimator, signature.features))
        return Columns({name: np.array([known.get(name, 0.0)]) for name in signature.features})
    return np.zeros((1, signature.width)) if signature.width else None


def _known_values(estimator: Any, features: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Columns that an encoder or a text vectorizer reads, each with a value that it has seen."""
    for transformer in _column_transformers(estimator):
        for _, step, columns in transformer.transformers_:
            names = [columns] if isinstance(columns, str) else _names(columns, features)
            for part in (step, *(inner for _, inner in getattr(step, "steps", ()))):
                if hasattr(part, "vocabulary_") or type(part).__name__ == "HashingVectorizer":
                    yield from ((name, WORD) for name in names)
                elif (categories := getattr(part, "categories_", None)) is not None:
                    yield from ((name, values[0]) for name, values in zip(names, categories, strict=False))


def _names(columns: Any, features: tuple[str, ...]) -> list[str]:
    try:
        return [str(name) for name in np.array(features, dtype=object)[columns]]
    except IndexError:
        return [str(name) for name in columns]


def _column_transformers(estimator: Any) -> Iterator[Any]:
    if (best := getattr(estimator, "best_estimator_", None)) is not None:
        yield from _column_transformers(best)
    if hasattr(estimator, "transformers_"):
        yield estimator
    for _, step in getattr(estimator, "steps", ()):
        yield from _column_transformers(step)
