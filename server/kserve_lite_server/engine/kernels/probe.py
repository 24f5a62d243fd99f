"""Rows that tell a kernel from the estimator it stands for, and the comparison of answers and errors."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 20240229
LANDMARK_TREES = 20  # trees whose thresholds are tried
MOST_WORDS = 200  # categories of a column that are tried
ALONE = 3  # columns whose odd values are tried one by one


@dataclass(frozen=True, slots=True)
class Rows:
    """One probe: a name for the log, and what is handed to the method."""

    name: str
    X: Any


@dataclass(frozen=True, slots=True)
class Failure:
    """An outcome that is an error."""

    type: type[Exception]
    message: str


def rows(usual: NDArray[np.float64]) -> Iterator[Rows]:
    """Yield the probes that grow out of some `usual` rows, the most telling ones first."""
    width = usual.shape[1]
    yield Rows("one row", usual[:1])
    yield Rows("many rows", usual)
    yield Rows("two rows", usual[1:3])
    yield Rows("another row", usual[-1:])
    yield Rows("whole numbers", np.rint(usual[:3]).astype(np.int64))
    yield Rows("float32", usual[:3].astype(np.float32))
    for name, value in (("NaN", np.nan), ("infinity", np.inf), ("minus infinity", -np.inf), ("1e300", 1e300)):
        spoilt = usual[:3].copy()
        spoilt[1, width // 2] = value
        yield Rows(name, spoilt)
    yield Rows("all NaN", np.full((1, width), np.nan))
    yield Rows("column order", np.asfortranarray(usual[:5]))
    yield Rows("a column too many", np.ones((2, width + 1)))
    yield Rows("a column too few", np.ones((2, width - 1)))
    yield Rows("no rows", np.empty((0, width)))
    yield Rows("one dimension", usual[0])
    yield Rows("three dimensions", usual[:2, None])
    yield Rows("text", np.full((1, width), "a", dtype=object))
    yield Rows("lists", usual[:2].tolist())


def usual_columns(known: Mapping[str, Sequence[Any]], numeric: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return rows of a table: values that the model has seen where these are words, numbers elsewhere."""
    random = np.random.default_rng(SEED)
    table = numbers(None, max(1, len(numeric)))
    found = {name: np.ascontiguousarray(table[:, index]) for index, name in enumerate(numeric)}
    for name, values in known.items():
        chosen = [values[index] for index in random.integers(len(values), size=len(table))]
        found[name] = np.array(chosen, dtype=object if isinstance(values[0], str) else None)
    return found


def tables(known: Mapping[str, Sequence[Any]], numeric: Sequence[str]) -> Iterator[Rows]:
    """Yield tables that tell a table's kernel from the estimator, the most telling ones first.

    They are few, because the estimator's own answer costs milliseconds: what is odd in a column is tried for all
    columns at once, one a row, and for the first columns alone, since one odd value may hide the others.
    """
    usual = usual_columns(known, numeric)

    def some(count: int, changed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {name: array[:count] for name, array in {**usual, **changed}.items()}

    def all_numbers(convert: Callable[[NDArray[Any]], NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return some(3, {name: convert(usual[name]) for name in numeric})

    yield Rows("one row", some(1, {}))
    yield Rows("many rows", usual)
    yield Rows("whole numbers", all_numbers(lambda values: np.rint(values % 7).astype(np.int64)))
    yield Rows("zeros", all_numbers(np.zeros_like))
    yield Rows("float32", all_numbers(lambda values: values.astype(np.float32)))
    every = max((len(values) for values in known.values()), default=0)
    for first in range(0, min(every, MOST_WORDS), len(next(iter(usual.values())))):
        words = {name: _turned(values, first, usual[name]) for name, values in known.items()}
        yield Rows("every word", some(len(next(iter(usual.values()))), words))
    for names, odd in (
        (numeric, (np.nan, np.inf, -0.0)),
        (known, ("an unknown word", np.nan, None, 7, 0.5, True)),
    ):
        for value in odd:
            for chosen in (list(names), *([name] for name in list(names)[:ALONE])):
                rows = min(len(chosen) + 1, len(next(iter(usual.values()))))
                spoilt = {name: _spoilt(usual[name], row, value) for row, name in enumerate(chosen)}
                yield Rows(f"{value!r} in {', '.join(chosen[:3])}", some(rows, spoilt))


def _turned(values: Sequence[Any], first: int, like: NDArray[Any]) -> NDArray[Any]:
    turned = [values[(first + row) % len(values)] for row in range(len(like))]
    return np.array(turned, dtype=like.dtype)


def _spoilt(column: NDArray[Any], row: int, value: Any) -> NDArray[Any]:
    number = isinstance(value, float | int) and not isinstance(value, bool) and column.dtype.kind in "if"
    spoilt = column.astype(np.float64 if number else object)
    spoilt[row % len(spoilt)] = value
    return spoilt


def numbers(estimator: Any, width: int) -> NDArray[np.float64]:
    """Return finite rows: random ones of several sizes, special ones, and those on the model's landmarks."""
    random = np.random.default_rng(SEED)
    scattered = random.normal(size=(16, width)) * np.repeat([0.5, 3.0, 30.0, 1000.0], 4)[:, None]
    special = np.repeat([0.0, 1.0, -1.0, 1e-300, 5e-324, 1e6], width).reshape(6, width)
    return np.ascontiguousarray(np.concatenate([*_landmarks(estimator, width, random), scattered, special]))


def _landmarks(estimator: Any, width: int, random: np.random.Generator) -> Iterator[NDArray[Any]]:
    for name in ("support_vectors_", "cluster_centers_", "theta_", "_fit_X", "means_"):
        known = getattr(estimator, name, None)
        if (
            isinstance(known, np.ndarray)
            and known.ndim == 2
            and known.shape[1] == width
            and known.dtype.kind == "f"
        ):
            yield known[:: max(1, len(known) // 8)][:8]
            yield (known[:4] + known[-4:][: len(known[:4])]) / 2  # half-way: where two answers meet
    columns, thresholds = _thresholds(estimator)
    if not len(columns):
        return
    on = random.normal(size=(8, width))
    for column in range(width):
        own = thresholds[columns == column]
        if len(own):
            on[:, column] = random.choice(own, size=8)
    yield on
    yield np.nextafter(on, np.inf)
    yield np.nextafter(on, -np.inf)
    yield on.astype(np.float32).astype(np.float64)


def _thresholds(estimator: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the column and the value of every split in (some of) the model's trees."""
    pairs: list[tuple[NDArray[Any], NDArray[Any]]] = []
    trees = [estimator, *np.ravel(getattr(estimator, "estimators_", []))[:LANDMARK_TREES]]
    pairs += [(tree.tree_.feature, tree.tree_.threshold) for tree in trees if hasattr(tree, "tree_")]
    for iteration in getattr(estimator, "_predictors", [])[:LANDMARK_TREES]:
        inner = [
            tree.nodes[(tree.nodes["is_leaf"] == 0) & (tree.nodes["is_categorical"] == 0)]
            for tree in iteration
        ]
        pairs += [(nodes["feature_idx"], nodes["num_threshold"]) for nodes in inner]
    if not pairs:
        return np.empty(0), np.empty(0)
    columns, thresholds = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return columns, np.where(np.isfinite(thresholds), thresholds, 0.0)


def outcome(answer: Callable[[Any], Any], X: Any) -> Any:
    """Return what calling `answer` comes to: its value, or the error it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return answer(X)
        except Exception as error:
            return Failure(type(error), str(error))


def same(one: Any, other: Any) -> bool:
    """Whether two outcomes are the same to the last bit, in type and shape too (any NaN equals any NaN)."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        if one.dtype.kind == "f":
            alike = np.array_equal(one, other, equal_nan=True)
            return bool(alike and (np.signbit(one) == np.signbit(other))[~np.isnan(one)].all())
        return bool(np.array_equal(one, other))
    if hasattr(one, "tocsr"):
        parts = [
            (matrix.tocsr().data, matrix.tocsr().indices, matrix.tocsr().indptr) for matrix in (one, other)
        ]
        return one.shape == other.shape and all(map(same, *parts))
    if hasattr(one, "equals"):
        return bool(one.equals(other))
    return bool(one == other)
