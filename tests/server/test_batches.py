"""A batch that fails: what the requests in it are told, and that those after it are answered."""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kserve_lite_server.engine.engine import Engine
from kserve_lite_server.engine.kernels import Plan
from kserve_lite_server.engine.pace import Pace
from kserve_lite_server.engine.turns import Job, Turns
from kserve_lite_server.errors import ServeError
from kserve_lite_server.metrics import Metrics
from kserve_lite_server.protocol.call import Call, Rows
from kserve_lite_server.sklearn.load import Loaded
from kserve_lite_server.sklearn.model import Model, make_model
from tests.server.models import IRIS, iris

ROWS = [IRIS.data[number : number + 1] for number in range(0, 150, 30)]


class Shaky:
    """A model whose next so many batches fail as a whole, in a way that nobody foresaw."""

    name = "shaky"

    def __init__(self, failures: int) -> None:
        self.pace = Pace(steady=True)
        self._failures = failures

    def answer(self, call: Call) -> dict[str, Any]:
        raise AssertionError("only batches are asked")

    def answers(self, requests: Sequence[Rows]) -> list[Any | ServeError]:
        if self._failures:
            self._failures -= 1
            raise MemoryError("the batch was too large")
        return [float(np.asarray(rows)[0, 0]) for rows in requests]


async def answered(
    model: Any, requests: Sequence[Any], spoil: Callable[[int], bool] = lambda _: False
) -> Any:
    """What each request is told that arrives in one turn; `spoil` says whose connection breaks then."""
    told: dict[int, Any] = {}
    engine = Engine(1, 10, 60.0, Metrics())
    turns = Turns(engine, 0, 0.0, lambda _: None, lambda: None)
    for number, rows in enumerate(requests):

        def tell(job: Job, answer: Any, number: int = number) -> None:
            if spoil(number):
                raise ConnectionResetError
            told[number] = answer

        turns.add(Job(model, rows, time.perf_counter(), tell))
    await asyncio.sleep(0)  # the turn ends
    await asyncio.sleep(0)
    return told


async def test_a_batch_that_raises_as_a_whole_is_answered_to_each_of_its_requests() -> None:
    model = Shaky(failures=1)

    first = await answered(model, ROWS)
    second = await answered(model, ROWS)

    assert {(error.status, error.code) for error in first.values()} == {(500, "internal")}
    assert sorted(first) == list(range(len(ROWS)))
    assert not any("too large" in error.message for error in first.values())
    assert second == {number: rows[0, 0] for number, rows in enumerate(ROWS)}


async def test_a_batch_that_fails_harms_no_other_models_batch_of_the_same_turn() -> None:
    told: dict[str, list[Any]] = {"bad": [], "good": []}
    turns = Turns(Engine(1, 10, 60.0, Metrics()), 0, 0.0, lambda _: None, lambda: None)
    models = {"bad": Shaky(failures=1), "good": Shaky(failures=0)}
    for rows in ROWS:
        for name, model in models.items():
            tell = partial(lambda told, job, answer: told.append(answer), told[name])
            turns.add(Job(model, rows, time.perf_counter(), tell))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert [error.code for error in told["bad"]] == ["internal"] * len(ROWS)
    assert told["good"] == [rows[0, 0] for rows in ROWS]


async def test_a_reply_that_cannot_be_written_is_one_clients_loss() -> None:
    told = await answered(Shaky(failures=0), ROWS, spoil=lambda number: number == 1)

    assert sorted(told) == [0, 2, 3, 4]


@pytest.fixture
def failing_together() -> Model:
    """The iris model, with a kernel that breaks as soon as it is given several rows."""
    model = make_model("iris", Path("model.joblib"), Loaded(iris(), None))
    method = model.plan.methods["predict"]

    def each(rows: np.ndarray) -> Any:
        raise MemoryError("several rows")

    model.plan = Plan({**model.plan.methods, "predict": dataclasses.replace(method, each=each)})
    return model


async def test_when_a_kernel_breaks_on_a_batch_each_request_is_answered_alone(
    failing_together: Model,
) -> None:
    told = await answered(failing_together, [*ROWS, IRIS.data[:1, :2]])

    refused = told.pop(len(ROWS))
    assert (refused.status, refused.code) == (400, "invalid_input")
    assert [told[number].tolist() for number in range(len(ROWS))] == [
        iris().predict(rows).tolist() for rows in ROWS
    ]
