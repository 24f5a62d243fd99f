"""A coroutine that is driven without a task: it goes on at once, and ends when nobody wants it any more."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kserve_lite_server.graph.turn import Answer, Turn

Make = Callable[[], Any]


def answer() -> Answer[int]:
    return Answer(asyncio.get_running_loop())


def future() -> Awaitable[int]:
    return asyncio.get_running_loop().create_future()


def turn(said: list[Any], *waits: Awaitable[Any]) -> Turn:
    """A turn that waits for one after another and writes down what it was given, and how it ended."""

    async def work() -> None:
        try:
            for one in waits:
                said.append(await one)
        except BaseException as error:
            said.append(type(error))
            if not isinstance(error, Exception):
                raise
        else:
            said.append("end")

    return Turn(work(), asyncio.get_running_loop())


async def test_an_answer_goes_on_inside_the_call_that_brings_it() -> None:
    said: list[Any] = []
    first, second = answer(), answer()
    turn(said, first, second).start()
    second.set_result(2)
    assert said == []
    first.set_result(1)
    assert said == [1, 2, "end"]


async def test_what_asyncio_offers_can_be_waited_for_too() -> None:
    said: list[Any] = []
    turn(said, asyncio.sleep(0, "slept"), asyncio.create_task(asyncio.sleep(0.01, "task"))).start()
    async with asyncio.timeout(10):
        while "end" not in said:
            await asyncio.sleep(0)
    assert said == ["slept", "task", "end"]


async def test_a_task_can_wait_for_an_answer() -> None:
    one = answer()
    asyncio.get_running_loop().call_soon(one.set_result, 5)
    assert await one == 5
    failed = answer()
    asyncio.get_running_loop().call_soon(failed.set_exception, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await failed


async def test_an_error_is_raised_where_it_is_waited_for() -> None:
    said: list[Any] = []
    one = answer()
    turn(said, one).start()
    one.set_exception(KeyError())
    assert said == [KeyError]


@pytest.mark.parametrize("make", [answer, future])
async def test_a_turn_ends_when_it_is_cancelled_while_it_waits(make: Make) -> None:
    said: list[Any] = []
    waited = make()
    one = turn(said, waited)
    one.start()
    one.cancel()
    async with asyncio.timeout(10):
        while not said:
            await asyncio.sleep(0)
    assert said == [asyncio.CancelledError]
    assert waited.done()


async def test_a_turn_that_is_cancelled_when_its_future_is_done_ends_at_its_next_step() -> None:
    said: list[Any] = []
    waited = asyncio.get_running_loop().create_future()
    one = turn(said, waited, future())
    one.start()
    waited.set_result(1)
    one.cancel()
    async with asyncio.timeout(10):
        while not said:
            await asyncio.sleep(0)
    assert said == [asyncio.CancelledError]


async def test_a_turn_that_is_cancelled_before_it_starts_does_nothing() -> None:
    said: list[Any] = []
    one = turn(said)
    one.cancel()
    one.start()
    assert said == []
