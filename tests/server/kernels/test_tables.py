"""A table's answer is what the estimator gives for the data frame of the same columns: same bits, types, errors."""

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kserve_lite_server.engine.kernels import Outside
from kserve_lite_server.engine.kernels.plan import part
from kserve_lite_server.engine.kernels.probe import outcome, same
from kserve_lite_server.errors import ServeError
from kserve_lite_server.protocol.call import Call, Columns
from kserve_lite_server.sklearn.features import to_frame
from kserve_lite_server.sklearn.load import Loaded
from kserve_lite_server.sklearn.model import Model, make_model
from tests.server.kernels import tables
from tests.server.kernels.tables import COUNT, GAPPY, PEOPLE

pytestmark = pytest.mark.slow
MODELS = [*tables.KNOWN, *tables.UNKNOWN]


def columns(frame: Any) -> dict[str, Any]:
    words = ("city", "plan", "note")
    return {name: frame[name].to_numpy(dtype=object if name in words else None) for name in frame}


def some(count: int, **changed: Any) -> dict[str, Any]:
    return {name: np.asarray(array)[:count] for name, array in {**columns(PEOPLE), **changed}.items()}


def words(*values: Any) -> Any:
    return np.array(values, dtype=object)


ODD_TABLES = {
    "an unknown word": some(2, city=words("Rome", "Wien")),
    "no word": some(2, city=words("Rome", None)),
    "NaN for a word": some(2, city=words("Rome", np.nan)),
    "a number for a word": some(2, city=words("Rome", 7)),
    "only numbers for words": some(2, city=np.array([1.0, 2.0])),
    "words for numbers": some(2, age=words("20", "30")),
    "an unreadable number": some(2, age=words("20", "old")),
    "no number": some(2, age=words(20.5, None)),
    "NaN where none is filled": some(2, visits=np.array([1.0, np.nan])),
    "infinity": some(2, age=np.array([1.0, np.inf])),
    "a huge number": some(2, age=np.array([1.0, 1e300])),
    "whole numbers": some(3, age=np.array([20, 30, 2**60])),
    "small types": some(2, age=np.array([20, 30], np.float32), visits=np.array([1, 2], np.int8)),
    "truth values": some(2, age=np.array([True, False])),
    "an unknown code": some(2, visits=np.array([1, 99])),
    "codes as floats": some(2, visits=np.array([1.0, 2.5])),
    "zeros": some(3, age=np.zeros(3), visits=np.zeros(3, int)),
}


@cache
def served(name: str) -> tuple[Any, Model]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = tables.fitted(name)
        return estimator, make_model(name, Path("model.joblib"), Loaded(estimator, None))


def own(estimator: Any, method: str, table: dict[str, Any]) -> Any:
    return outcome(lambda arrays: getattr(estimator, method)(to_frame(arrays)), table)


@pytest.mark.parametrize("name", tables.KNOWN)
def test_every_method_of_a_known_model_needs_no_frame(name: str) -> None:
    _, model = served(name)

    assert {m.name: m.reason for m in model.plan.methods.values() if m.table is None} == {}


@pytest.mark.parametrize("name", tables.UNKNOWN)
def test_a_model_that_is_not_understood_keeps_its_frame(name: str) -> None:
    _, model = served(name)

    assert all(method.table is None and method.reason for method in model.plan.methods.values())


@pytest.mark.parametrize("name", tables.KNOWN)
def test_rows_that_no_probe_has_seen_get_the_same_bits(name: str) -> None:
    estimator, model = served(name)
    random = np.random.default_rng(9)
    shuffled = {n: random.permutation(array) for n, array in columns(PEOPLE.fillna(33.3)).items()}
    for method in model.plan.methods.values():
        assert method.table is not None
        for rows in (slice(0, COUNT), slice(3, 4), slice(20, 37)):
            table = {n: array[rows] for n, array in shuffled.items()}
            assert same(outcome(method.table, table), own(estimator, method.name, table)), method.name


@pytest.mark.parametrize("odd", ODD_TABLES)
@pytest.mark.parametrize("name", MODELS)
def test_odd_tables_get_the_same_answer_or_the_same_refusal(name: str, odd: str) -> None:
    estimator, model = served(name)
    table = ODD_TABLES[odd]
    for method in model.plan.methods.values():
        expected = own(estimator, method.name, table)
        if method.table is not None:
            got = outcome(method.table, table)
            assert getattr(got, "type", None) is Outside or same(got, expected), (method.name, got, expected)
        answer = outcome(model.answer, Call(Columns(table), (method.name,)))
        if hasattr(expected, "message"):
            assert answer.type is ServeError
        else:
            assert same(answer[method.name], expected), method.name


def test_gaps_among_words_are_filled_without_a_frame() -> None:
    estimator, model = served("filled words")
    table = columns(GAPPY)

    assert GAPPY["city"].isna().any()
    for method in model.plan.methods.values():
        assert method.table is not None
        assert same(outcome(method.table, table), own(estimator, method.name, table))


@pytest.mark.parametrize("name", tables.KNOWN)
def test_a_row_in_a_batch_gets_the_bits_that_it_gets_alone(name: str) -> None:
    estimator, model = served(name)
    table = columns(PEOPLE.fillna(33.3))
    for method in model.plan.methods.values():
        if not method.tables_batch or method.table is None:
            continue
        together = outcome(lambda arrays, compute=method.table: compute(arrays, True), table)
        for number in range(0, COUNT, 7):
            alone = own(estimator, method.name, {n: a[number : number + 1] for n, a in table.items()})
            assert same(part(together, number), alone), (method.name, number)
