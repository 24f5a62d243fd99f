"""The queue gives each key to one worker at a time, changes first, failures later."""

import asyncio

import pytest

from kserve_lite.controller.runtime.workqueue import WorkQueue


async def test_a_key_asked_for_twice_is_looked_at_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add("a")

    assert (await queue.get())[0] == "a"
    assert len(queue) == 0


async def test_a_key_asked_for_during_the_work_comes_again_after_it_and_not_before() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.get()
    queue.add("a")

    assert len(queue) == 0
    queue.done("a")
    assert (await queue.get())[0] == "a"


async def test_a_change_overtakes_what_the_first_list_brought() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in "abc":
        queue.add(key, idle=True)
    queue.add("d")
    queue.add("c")

    assert [(await queue.get())[0] for _ in range(4)] == ["d", "c", "a", "b"]


async def test_many_workers_never_hold_one_key_at_once() -> None:
    queue: WorkQueue[int] = WorkQueue()
    held: set[int] = set()
    looks = 0

    async def worker() -> None:
        nonlocal looks
        while True:
            key, _ = await queue.get()
            assert key not in held
            held.add(key)
            looks += 1
            await asyncio.sleep(0)
            if looks < 500:
                queue.add((key + 1) % 7)
                queue.add(key)
            await asyncio.sleep(0)
            held.remove(key)
            queue.done(key)

    workers = [asyncio.ensure_future(worker()) for _ in range(8)]
    queue.add(0)
    async with asyncio.timeout(10):
        while looks < 500 or not queue.quiet:
            await asyncio.sleep(0)
    for task in workers:
        task.cancel()
    results = await asyncio.gather(*workers, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_waits_grow_with_failures_in_a_row_and_start_anew_after_a_success() -> None:
    queue: WorkQueue[str] = WorkQueue()

    waits = [queue.failed("a") for _ in range(4)]
    queue.forget("a")
    after = queue.failed("a")
    queue.close()

    # Doubling with a jitter of a quarter either way: the third is above the first whatever the jitter.
    assert waits[0] < waits[2]
    assert waits[1] < waits[3]
    assert after <= 0.05 * 1.25


async def test_of_several_delays_the_earliest_counts() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 3600)
    queue.add_after("a", 0.001)
    queue.add_after("a", 3600)

    async with asyncio.timeout(5):
        key, _ = await queue.get()
    assert key == "a"


async def test_an_immediate_request_replaces_a_delayed_one() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 0.01)
    queue.add("a")
    await queue.get()
    queue.done("a")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await queue.get()
