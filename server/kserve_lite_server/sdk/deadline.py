"""How long the request that is being answered may still take: known to every step that works for it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_END: ContextVar[float | None] = ContextVar("end", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give the work inside so many seconds; a bound around it stays when it is nearer."""
    end, outer = time.monotonic() + seconds, _END.get()
    token = _END.set(end if outer is None else min(end, outer))
    try:
        yield
    finally:
        _END.reset(token)


def remaining(bound: float | None = None) -> float | None:
    """Seconds that are left, at most `bound`, at least 0; None when nothing bounds them."""
    end = _END.get()
    if end is None:
        return bound
    left = max(0.0, end - time.monotonic())
    return left if bound is None else min(left, bound)
