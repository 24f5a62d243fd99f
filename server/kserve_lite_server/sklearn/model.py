"""A loaded model: its methods as plain callables, run on decoded rows."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kserve_lite_server.engine.kernels import Outside, Plan, choose, part
from kserve_lite_server.engine.pace import Pace
from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.protocol.call import Call, Columns, Rows
from kserve_lite_server.sklearn.features import build_features, to_frame
from kserve_lite_server.sklearn.load import Loaded
from kserve_lite_server.sklearn.sample import sample_row
from kserve_lite_server.sklearn.signature import METHODS, Signature, read_signature

log = logging.getLogger(__name__)

# What scikit-learn raises about the rows it is given; anything else is the model's own failure.
ROWS_AT_FAULT = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)


@dataclass(slots=True)
class Model:
    """One fitted estimator under a name; `plan` says what computes each of its `methods`."""

    name: str
    path: Path
    estimator: Any
    signature: Signature
    method: str
    methods: dict[str, Callable[[Any], Any]]
    plan: Plan
    pace: Pace
    sklearn_version: str | None = None  # recorded in the file
    version: str = "1"
    description: dict[str, Any] | None = None

    @property
    def has_kernel(self) -> bool:
        """Whether a kernel computes its own method."""
        return self.plan.methods[self.method].kernel is not None

    def answer(self, call: Call) -> dict[str, Any]:
        """Run the call's methods, or the model's own, on its rows.

        Raises `ServeError`: "invalid_input" with scikit-learn's own sentence when the rows do not fit the
        model,
        "model_failed" when the model breaks.
        """
        features = build_features(call.rows, self.signature)
        return {name: self._run(name, features) for name in call.methods or (self.method,)}

    def answers(self, requests: Sequence[Rows]) -> list[Any | ServeError]:
        """Answer each request by the model's own method: its result, or why it has none.

        Requests of one row are computed together where that changes no bit; when one of them is at fault, every
        one is answered alone.
        """
        if len(requests) > 1 and all(len(rows) == 1 for rows in requests):
            try:
                answer = self._together(requests)
                return [part(answer, number) for number in range(len(requests))]
            except Exception as error:
                log.debug("model %s: a batch is answered one by one: %s", self.name, error)
        return [self._alone(rows) for rows in requests]

    def prepare(self) -> None:
        """Run one row of nothing twice, so that the first request finds warm code and the engine knows the
        pace."""
        sample = sample_row(self.estimator, self.signature)
        if sample is None:
            return
        for _ in range(2):
            started = time.thread_time()
            try:
                self.answer(Call(sample))
            except ServeError as error:
                log.info("model %s cannot be warmed up: %s", self.name, error.message)
                return
            seconds = time.thread_time() - started
        self.pace.observe(1, seconds)

    def _together(self, requests: Sequence[Rows]) -> Any:
        """One answer for several rows; raises when the method cannot, or one of them is not its to answer."""
        method = self.plan.methods[self.method]
        if method.table is not None and method.tables_batch:
            tables = [build_features(rows, self.signature).arrays for rows in requests]
            names = tables[0].keys()
            if any(table[name].dtype != tables[0][name].dtype for table in tables for name in names):
                raise Outside
            return method.table({name: np.concatenate([t[name] for t in tables]) for name in names}, True)
        arrays = [rows for rows in requests if isinstance(rows, np.ndarray) and rows.dtype in method.dtypes]
        if method.each is None or len(arrays) < len(requests):
            raise Outside
        return method.each(np.concatenate(arrays))

    def _alone(self, rows: Rows) -> Any | ServeError:
        try:
            return self._run(self.method, build_features(rows, self.signature))
        except ServeError as error:
            return error

    def _run(self, name: str, features: Any) -> Any:
        try:
            if isinstance(features, Columns):
                if (table := self.plan.methods[name].table) is not None:
                    with suppress(Outside):
                        return table(features.arrays)
                features = to_frame(features.arrays)
            return self.methods[name](features)
        except ServeError:
            raise
        except ROWS_AT_FAULT as error:
            log.info("model %s: %s: %s", self.name, type(error).__name__, error)
            raise invalid(_sentence(error)) from error
        except Exception as error:
            log.exception("model %s: %s failed", self.name, name)
            raise ServeError(
                "model_failed", f"model {self.name} failed in {name}; the server's log says why"
            ) from error


def make_model(name: str, path: Path, loaded: Loaded, method: str | None = None) -> Model:
    """Wrap a loaded estimator. Raises `ServeError` when it has no method to serve, or not the one asked
    for."""
    estimator = loaded.estimator
    signature = read_signature(estimator)
    kind = type(estimator).__name__
    if not signature.methods:
        raise ServeError(
            "model_without_method",
            f"{path} holds a {kind}, which has none of {', '.join(METHODS)}; save a fitted estimator or "
            "pipeline",
        )
    chosen = method or signature.methods[0]
    if chosen not in signature.methods:
        raise ServeError(
            "model_without_method",
            f"{path} holds a {kind} without {chosen}; it has {', '.join(signature.methods)}",
        )
    if signature.frame:
        with suppress(ModuleNotFoundError):  # who asks with rows is told what is missing
            import pandas  # noqa: F401  # now, so that workers share it and no request waits for it
    plan = choose(estimator, to_frame=to_frame if signature.frame and signature.steady else None)
    for method, answer in plan.describe().items():
        log.info("model %s: %s is answered by %s", name, method, answer)
    methods = {method: plan.methods[method].call for method in signature.methods}
    return Model(
        name,
        path,
        estimator,
        signature,
        chosen,
        methods,
        plan,
        Pace(signature.steady),
        loaded.sklearn_version,
    )


def _sentence(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    line = " ".join(text.split())[:500] or type(error).__name__
    return f"{line} is missing" if isinstance(error, KeyError) else line
