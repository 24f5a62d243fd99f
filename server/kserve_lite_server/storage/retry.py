"""When to try again, and how long to wait before."""

from __future__ import annotations

import time
from collections.abc import Callable

from kserve_lite_server.storage.errors import Transient
from kserve_lite_server.storage.record import TYPE_CHECKING
from kserve_lite_server.storage.settings import Settings

PATIENCE = 60.0  # the longest Retry-After that is waited out
LONGEST = 20.0

if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")


def retrying(call: Callable[[], T], settings: Settings, wait: Callable[[float], object] = time.sleep) -> T:
    """Return what `call` returns, trying again after each `Transient`; the last one's error is raised."""
    failures = 0
    while True:
        try:
            return call()
        except Transient as transient:
            failures += 1
            wait(pause(transient, failures, settings))


def pause(transient: Transient, failures: int, settings: Settings) -> float:
    """Return the seconds to wait after so many failures in a row, or raise the error when it is enough.

    A server's Retry-After is kept; otherwise the wait doubles each time and is spread at random, so that a
    hundred pods that failed together don't come back together.
    """
    if failures > settings.retries or (transient.retry_after or 0) > PATIENCE:
        raise transient.error from transient
    if transient.retry_after is not None:
        return transient.retry_after
    import random  # only after a failure: the start of a small fetch is counted in milliseconds

    return min(settings.backoff * 2.0**failures, LONGEST) * random.uniform(0.5, 1.0)
