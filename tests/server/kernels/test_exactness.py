"""A kernel's answer is the estimator's own: same bits, same types, same errors."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kserve_lite_server.engine.kernels import Plan, choose
from kserve_lite_server.engine.kernels.plan import part
from kserve_lite_server.engine.kernels.probe import numbers, outcome, same
from tests.server.kernels import zoo

pytestmark = pytest.mark.slow

MODELS = [*zoo.KNOWN, *zoo.UNKNOWN]
ODD_INPUTS = {
    "no rows": np.empty((0, 4)),
    "too few columns": np.ones((2, 3)),
    "too many columns": np.ones((1, 5)),
    "one dimension": np.ones(4),
    "three dimensions": np.ones((1, 2, 4)),
    "NaN": np.array([[1.0, np.nan, 2.0, 3.0]]),
    "infinity": np.array([[1.0, np.inf, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0]]),
    "too large for float32": np.array([[1.0, 2.0, 1e39, 3.0]]),
    "text": np.array([["a", "b", "c", "d"]], dtype=object),
    "numbers as text": np.array([["1", "2", "3", "4"]]),
    "objects": np.array([[1, 2.5, 3, 4]], dtype=object),
    "complex": np.ones((1, 4), dtype=complex),
    "lists": [[5.1, 3.5, 1.4, 0.2], [5, 3, 1, 0]],
    "ragged lists": [[5.1, 3.5], [5.0]],
    "whole numbers": np.array([[5, 3, 1, 0], [6, 3, 5, 2]]),
    "small whole numbers": np.array([[5, 3, 1, 0]], dtype=np.int8),
    "truth values": np.array([[True, False, True, True]]),
    "float32": zoo.X[:5].astype(np.float32) * 1.1,
    "column order": np.asfortranarray(zoo.X),
    "every other row": zoo.X[::2],
    "nothing": None,
}


@cache
def model_and_plan(name: str) -> tuple[Any, Plan]:
    model = zoo.fitted(name)
    return model, choose(model)


def truth(model: Any, method: str) -> Any:
    model.n_jobs = 1 if hasattr(model, "n_jobs") else None
    return getattr(model, method)


@pytest.mark.parametrize("name", zoo.KNOWN)
def test_every_method_of_a_known_model_has_a_kernel(name: str) -> None:
    _, plan = model_and_plan(name)
    assert plan.methods
    refused = {method.name: method.reason for method in plan.methods.values() if method.kernel is None}
    refused.pop("score_samples", None)
    assert refused == {}


@pytest.mark.parametrize("name", MODELS)
def test_rows_that_no_probe_has_seen_get_the_same_bits(name: str) -> None:
    model, plan = model_and_plan(name)
    rows = np.random.default_rng(7).normal(3.0, 4.0, size=(300, 4))
    for method in plan.methods.values():
        for X in (rows, rows[:1], rows[5:22], zoo.X, zoo.GAPS, numbers(model, 4)):
            X = np.ascontiguousarray(X)
            assert same(outcome(method.call, X), outcome(truth(model, method.name), X)), (
                method.name,
                X.shape,
            )


@pytest.mark.parametrize("name", MODELS)
def test_odd_inputs_get_the_same_answer_or_the_same_error(name: str) -> None:
    model, plan = model_and_plan(name)
    for method in plan.methods.values():
        for odd, X in ODD_INPUTS.items():
            assert same(outcome(method.call, X), outcome(truth(model, method.name), X)), (method.name, odd)


@pytest.mark.parametrize("name", MODELS)
def test_a_row_in_a_batch_gets_the_bits_that_it_gets_alone(name: str) -> None:
    model, plan = model_and_plan(name)
    rows = np.random.default_rng(11).normal(3.0, 2.0, size=(64, 4))
    for method in plan.methods.values():
        if method.each is None:
            continue
        together = outcome(method.each, rows)
        for number in range(0, len(rows), 3):
            alone = outcome(truth(model, method.name), rows[number : number + 1])
            assert same(part(together, number), alone), (method.name, number)


@pytest.mark.parametrize("name", ["forest", "tree", "histogram with gaps", "boosting", "forest with gaps"])
def test_rows_on_the_thresholds_of_trees_go_the_same_way(name: str) -> None:
    model, plan = model_and_plan(name)
    method = plan.methods["predict_proba"]
    on = numbers(model, 4)[:8]
    for X in (
        on,
        np.nextafter(on, np.inf),
        np.nextafter(on, -np.inf),
        np.nextafter(on.astype("f4"), np.float32("inf")),
    ):
        X = np.ascontiguousarray(X, dtype=np.float64)
        assert same(method.call(X), model.predict_proba(X))


@pytest.mark.parametrize(
    "name", ["logistic", "svc", "forest", "histogram with gaps", "scaled logistic", "perceptron"]
)
@given(
    X=arrays.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.int32, np.bool_]),
        st.tuples(st.integers(0, 6), st.integers(3, 5)),
    )
)
@settings(max_examples=60, deadline=None)
def test_any_array_whatever_its_values_type_and_width_is_answered_as_the_estimator_does(
    name: str, X: Any
) -> None:
    model, plan = model_and_plan(name)
    for method in plan.methods.values():
        assert same(outcome(method.call, X), outcome(truth(model, method.name), X))
