"""Heavy reading and writing, kept off the event loop."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Reading or writing more than this much takes longer than a probe should wait.
HEAVY_BYTES = 256 * 1024


async def off_loop(size: int, work: Callable[[], T]) -> T:
    """Do `work` on `size` bytes in a thread when that is much, else at once."""
    return await asyncio.to_thread(work) if size > HEAVY_BYTES else work()
