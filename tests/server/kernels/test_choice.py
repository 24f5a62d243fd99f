"""What the plan of a model says, and that it takes no kernel on trust."""

import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from kserve_lite_server.engine.kernels import choose, families
from kserve_lite_server.engine.kernels.kernel import Domain, Kernel, Outside, Unavailable
from kserve_lite_server.engine.kernels.probe import outcome, same
from tests.server.kernels import zoo


def test_the_plan_names_the_kernel_of_every_method_or_says_why_there_is_none() -> None:
    described = choose(zoo.fitted("discriminant")).describe()
    assert described["predict"] == "linear (bit for bit)"
    assert described["transform"] == "scikit-learn (no kernel for LinearDiscriminantAnalysis.transform)"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda right, X: np.nextafter(right, 1), id="the last bit"),
        pytest.param(lambda right, X: right.astype(np.float32), id="the type"),
        pytest.param(lambda right, X: right[:, ::-1], id="the order of the classes"),
        pytest.param(lambda right, X: right[:1], id="the number of rows"),
        pytest.param(lambda right, X: right if len(X) < 3 else right[::-1], id="only many rows"),
        pytest.param(lambda right, X: right if (X > -500).all() else -right, id="only some rows"),
        pytest.param(lambda right, X: right / 0 if not right.any() else [][0], id="it raises"),
    ],
)
def test_a_kernel_that_differs_from_the_estimator_is_not_used(wrong: Any) -> None:
    model = zoo.fitted("logistic")

    def build(estimator: Any, method: str) -> Kernel:
        answer = getattr(estimator, method)
        return Kernel("wrong", lambda X, each: wrong(answer(X), X))

    method = choose(model, build).methods["predict_proba"]
    assert method.kernel is None
    assert "differ on the probe" in method.reason
    assert np.array_equal(method.call(zoo.X), model.predict_proba(zoo.X))


def test_a_kernel_that_lets_nan_through_where_the_estimator_refuses_it_is_not_used() -> None:
    def build(estimator: Any, method: str) -> Kernel:
        right = families.build(estimator, method)
        return Kernel("careless", right.compute, Domain.ANY)

    method = choose(zoo.fitted("logistic"), build).methods["predict"]
    assert method.kernel is None
    assert method.reason.endswith("differ on the probe: NaN")
    with pytest.raises(ValueError, match="Input X contains NaN"):
        method.call(np.full((1, 4), np.nan))


def test_a_batch_that_changes_bits_is_not_batched() -> None:
    def build(estimator: Any, method: str) -> Kernel:
        right = families.build(estimator, method)
        return Kernel("matrix product", lambda X, each: right.compute(X, False))

    methods = choose(zoo.fitted("logistic"), build).methods
    assert methods["decision_function"].kernel == "matrix product"
    assert methods["decision_function"].each is None


def test_a_kernel_whose_private_parts_are_missing_is_not_used() -> None:
    def build(estimator: Any, method: str) -> Kernel:
        raise AttributeError("_dense_predict")

    method = choose(zoo.fitted("svc"), build).methods["predict"]
    assert (method.kernel, method.each) == (None, None)
    assert "_dense_predict" in method.reason


def test_a_kernel_that_takes_no_row_is_not_used() -> None:
    def outside(X: Any, each: bool) -> Any:
        raise Outside

    methods = choose(zoo.fitted("svc"), lambda estimator, method: Kernel("shy", outside)).methods
    assert methods["predict"].reason == "the shy kernel does not take a row of plain numbers"


class Thresholded(LogisticRegression):
    """A user's subclass that changes what `predict` means."""

    def predict(self, X: Any) -> Any:
        return self.predict_proba(X)[:, 1] > 0.9


class Shifted(LogisticRegression):
    """A user's subclass that changes what `predict` rests on."""

    def decision_function(self, X: Any) -> Any:
        return super().decision_function(X) + 100.0


@pytest.mark.parametrize("kind", [Thresholded, Shifted])
def test_a_subclass_that_overrides_anything_keeps_its_own_answers(kind: Any) -> None:
    model = kind(max_iter=300).fit(zoo.X, zoo.EITHER)
    for method in choose(model).methods.values():
        assert same(outcome(method.call, zoo.X), outcome(getattr(model, method.name), zoo.X))
    assert choose(model).methods["predict"].kernel is None


class Foreign(ClassifierMixin, BaseEstimator):
    """An estimator that is not scikit-learn's and knows no number of columns."""

    def predict(self, X: Any) -> Any:
        return [len(row) for row in X]


def test_an_estimator_of_unknown_width_is_asked_itself() -> None:
    method = choose(Foreign()).methods["predict"]
    assert method.reason == "the number of columns is not known"
    assert method.call([[1, 2, 3]]) == [3]


def test_a_forest_too_large_to_copy_keeps_its_own_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    from kserve_lite_server.engine.kernels import forest

    monkeypatch.setattr(forest, "LARGEST_COPY", 1000)
    with pytest.raises(Unavailable, match="would take 0 MiB"):
        families.build(zoo.fitted("forest"), "predict")


@pytest.mark.parametrize("name", ["forest", "histogram", "logistic"])
def test_a_model_that_is_unloaded_is_freed_with_its_kernels(name: str) -> None:
    model = pickle.loads(pickle.dumps(zoo.fitted(name)))
    plan = choose(model)
    alive = weakref.ref(model)
    del model, plan
    gc.collect()
    assert alive() is None
