"""Wait for a condition, never for a time."""

import time
from collections.abc import Callable

from tools.errors import ToolError


def wait_for(
    what: str, condition: Callable[[], bool], *, timeout: float, remedy: str, every: float = 0.2
) -> None:
    """Return as soon as `condition` holds; raise `ToolError` when it does not within `timeout` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise ToolError(f"{what}: not within {timeout:.0f} s", remedy)
        time.sleep(every)
