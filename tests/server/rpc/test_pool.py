"""The pool computes in few threads, and never lets those that wait stand in the way."""

import threading
from concurrent.futures import wait

import pytest

from kserve_lite_server.grpc.pool import Pool

pytestmark = pytest.mark.slow


def test_no_more_calls_compute_at_once_than_the_pool_has_threads() -> None:
    pool, lock, running, most = Pool(2), threading.Lock(), 0, 0

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1

    wait([pool.submit(work) for _ in range(20)], timeout=30)

    assert most == 2
    pool.shutdown()


def test_calls_that_wait_do_not_hold_up_the_others() -> None:
    pool, go = Pool(1), threading.Event()

    def slow() -> str:
        with pool.waiting():
            assert go.wait(30)
        return "slow"

    waiting = [pool.submit(slow) for _ in range(5)]

    assert pool.submit(lambda: "fast").result(30) == "fast"
    assert not any(call.done() for call in waiting)
    go.set()
    assert [call.result(30) for call in waiting] == ["slow"] * 5
    pool.shutdown()


def test_threads_that_took_the_place_of_waiting_ones_end_with_the_wait() -> None:
    pool, go, threads = Pool(1), threading.Event(), threading.active_count()

    def slow() -> None:
        with pool.waiting():
            assert go.wait(30)

    waiting = [pool.submit(slow) for _ in range(8)]
    pool.submit(lambda: None).result(30)
    assert threading.active_count() >= threads + 8
    go.set()
    wait(waiting, timeout=30)
    pool.submit(lambda: None).result(30)

    until_few(threads + 1)
    pool.shutdown()
    until_few(threads)


def test_an_error_reaches_who_waits_and_the_thread_goes_on() -> None:
    pool = Pool(1)

    failed = pool.submit(lambda: 1 / 0)

    assert isinstance(failed.exception(30), ZeroDivisionError)
    assert pool.submit(lambda: "next").result(30) == "next"
    pool.shutdown()


def until_few(count: int) -> None:
    for thread in threading.enumerate():
        if thread.name == "grpc" and threading.active_count() > count:
            thread.join(10)
    assert threading.active_count() <= count
