"""Notice that the graph's file has changed, also when a ConfigMap's links are swapped below it."""

import asyncio
import os
from collections.abc import Callable

from kserve_lite_server.watching import Look

LOOK_SECONDS = 0.5


async def watch(file: str | os.PathLike[str], changed: Callable[[bytes], None]) -> None:
    """Tell of every new content; a file that is gone for a moment is no change."""
    look = Look(file)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if (text := look.again()) is not None:
            changed(text)
