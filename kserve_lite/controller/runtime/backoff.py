"""How long to wait after the n-th failure: doubling, capped, with jitter so that a crowd does not march in step."""

import random


def delay(failures: int, *, first: float, most: float) -> float:
    """Seconds to wait after `failures` failures in a row (1 is the first)."""
    whole = min(most, first * 2.0 ** min(failures - 1, 32))
    return whole * random.uniform(0.75, 1.25)
