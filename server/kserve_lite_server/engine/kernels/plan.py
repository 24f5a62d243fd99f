"""Which kernel answers each method of a model, decided at load by trying it against the model itself."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from kserve_lite_server.engine.kernels import columns, families, probe
from kserve_lite_server.engine.kernels.guard import Guarded
from kserve_lite_server.engine.kernels.kernel import Kernel, Outside, Unavailable

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples", "transform")
CONVERTIBLE = {"whole numbers": np.dtype(np.int64), "float32": np.dtype(np.float32)}
BATCHES = (2, 3, 8, 21)  # rows that are tried together
SECONDS = (
    2.0  # of processor time that trying one method may take; what could not be tried through is not used
)

Answer = Callable[[Any], Any]
ToFrame = Callable[[columns.Arrays], Any]
Builder = Callable[[Any, str], Kernel]


@dataclass(frozen=True, slots=True)
class Method:
    """How one method of the model is answered.

    `call(X)` gives what `estimator.method(X)` gives, or raises what it raises, for any `X`. `each(X)`, if
    any, takes n one-row requests of the types `dtypes` at once and gives every row the bits that `call` gives
    it alone; it raises when one of the rows is not the kernel's to answer. `table(columns, each)`, if any,
    answers columns by name as `call` answers the data frame that they make, or raises `Outside`; it takes
    several one-row requests at once where `tables_batch` says so.
    """

    name: str
    kernel: str | None
    reason: str
    call: Answer
    each: Answer | None = None
    dtypes: frozenset[np.dtype[Any]] = frozenset()
    table: columns.Table | None = None
    tables_batch: bool = False

    def __str__(self) -> str:
        return f"{self.kernel or 'scikit-learn'} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Plan:
    """The methods that a model has, by name."""

    methods: Mapping[str, Method]

    def describe(self) -> dict[str, str]:
        """Return for each method what answers it and why, as the log and the metadata show it."""
        return {name: str(method) for name, method in self.methods.items()}


def choose(estimator: Any, build: Builder = families.build, to_frame: ToFrame | None = None) -> Plan:
    """Return the plan for a fitted estimator: the kernels that `build` offers and that pass every probe.

    `to_frame` makes the data frame of an estimator that takes columns by name.
    """
    offered = [name for name in METHODS if callable(getattr(estimator, name, None))]
    with threadpool_limits(1, user_api="openmp"):  # waking threads for a few rows costs more than the rows
        if to_frame is not None:
            return Plan({name: _by_name(estimator, name, to_frame) for name in offered})
        return Plan({name: _method(estimator, name, build) for name in offered})


def _method(estimator: Any, name: str, build: Builder) -> Method:
    simple = getattr(estimator, name)
    width = getattr(estimator, "n_features_in_", None)
    if not isinstance(width, int) or width < 1:
        return Method(name, None, "the number of columns is not known", simple)
    usual = probe.numbers(estimator, width)
    try:
        return _tried(estimator, Guarded(build(estimator, name), simple, width), name, usual)
    except Unavailable as refusal:
        reason = str(refusal)
    except (AttributeError, ImportError, LookupError, TypeError, ValueError) as error:
        reason = f"the model's parts are not those that the kernel knows: {type(error).__name__}: {error}"
    return Method(name, None, reason, simple)


def _tried(estimator: Any, guarded: Guarded, name: str, usual: Any) -> Method:
    """Return the method with its kernel; raises `Unavailable` when a probe tells the two apart."""
    kernel, truth = guarded.kernel, getattr(_in_order(estimator), name)
    deadline = time.process_time() + SECONDS
    for rows in probe.rows(usual):
        answer = probe.outcome(guarded.sure, rows.X)
        if isinstance(answer, probe.Failure) and answer.type is Outside:
            if rows.name == "one row":
                raise Unavailable(f"the {kernel.name} kernel does not take a row of plain numbers")
            continue  # then the estimator answers, and there is nothing to compare
        if not probe.same(answer, probe.outcome(truth, rows.X)):
            if rows.name not in CONVERTIBLE:
                raise Unavailable(
                    f"the {kernel.name} kernel and scikit-learn differ on the probe: {rows.name}"
                )
            guarded.dtypes.discard(CONVERTIBLE[rows.name])
        if time.process_time() > deadline:
            raise Unavailable(f"trying the {kernel.name} kernel would take more than {SECONDS:g} s")
    each = guarded.each if kernel.batchable and _rows_are_alone(guarded, usual) else None
    return Method(name, kernel.name, "bit for bit", guarded.call, each, frozenset(guarded.dtypes))


def _by_name(estimator: Any, name: str, to_frame: ToFrame) -> Method:
    """Return the method with its table, the steps behind the columns by kernels, or else by scikit-learn."""
    simple, reason = getattr(estimator, name), ""
    truth = getattr(_in_order(estimator), name)
    for plain in (False, True):
        try:
            table = columns.build(estimator, name, plain=plain)
            _try_table(table, lambda arrays: truth(to_frame(arrays)))
            usual = probe.usual_columns(table.known, table.numeric)
            alone = table.batchable and _requests_are_alone(table, usual)
            return Method(name, table.name, "bit for bit", simple, table=table, tables_batch=alone)
        except Unavailable as refusal:
            reason = reason or str(refusal)
        except (AttributeError, ImportError, LookupError, TypeError, ValueError) as error:
            reason = (
                reason or f"the model's parts are not those that are known: {type(error).__name__}: {error}"
            )
    return Method(name, None, reason, simple)


def _try_table(table: columns.Table, truth: Answer) -> None:
    """Raise `Unavailable` when a probe tells the two apart."""
    deadline = time.process_time() + SECONDS
    for rows in probe.tables(table.known, table.numeric):
        answer = probe.outcome(table, rows.X)
        if isinstance(answer, probe.Failure) and answer.type is Outside:
            if rows.name == "one row":
                raise Unavailable(f"{table.name} does not take a row of known values")
            continue
        if not probe.same(answer, probe.outcome(truth, rows.X)):
            raise Unavailable(f"{table.name} and scikit-learn differ on the probe: {rows.name}")
        if time.process_time() > deadline:
            raise Unavailable(f"trying {table.name} would take more than {SECONDS:g} s")


def _requests_are_alone(table: columns.Table, usual: columns.Arrays) -> bool:
    """Whether rows that are answered together get what they get alone."""
    for size in BATCHES:
        together = probe.outcome(
            lambda arrays: table(arrays, True), {name: array[:size] for name, array in usual.items()}
        )
        for number in range(size):
            alone = probe.outcome(table, {name: a[number : number + 1] for name, a in usual.items()})
            if isinstance(together, probe.Failure) or not probe.same(part(together, number), alone):
                return False
    return True


def _in_order(estimator: Any) -> Any:
    """Return the estimator with one job: threads add up the trees of a forest in any order."""
    if getattr(estimator, "n_jobs", None) in (None, 1):
        return estimator
    alone = copy.copy(estimator)
    alone.n_jobs = 1
    return alone


def _rows_are_alone(guarded: Guarded, usual: Any) -> bool:
    """Whether rows that are answered together get what they get alone."""
    for size in BATCHES:
        together = probe.outcome(guarded.each, usual[:size])
        for number in range(size):
            alone = probe.outcome(guarded.call, usual[number : number + 1])
            if not probe.same(part(together, number), alone):
                return False
    return True


def part(answer: Any, number: int) -> Any:
    """Return the answer for one row out of the answer for several."""
    if isinstance(answer, list):
        return [part(output, number) for output in answer]
    return answer[number : number + 1]
