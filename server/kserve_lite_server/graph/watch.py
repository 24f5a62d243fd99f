"""Notice that the graph's file has changed, also when a ConfigMap's links are swapped below it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

LOOK_SECONDS = 0.5


async def watch(file: Path, changed: Callable[[bytes], None]) -> None:
    """Tell of every new content; a file that is gone for a moment is no change."""
    look = Look(file)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if (text := look.again()) is not None:
            changed(text)


class Look:
    """What a file was when it was last looked at. A look is a system call of microseconds; reading follows a change."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._text: bytes | None = None
        self.again()

    def again(self) -> bytes | None:
        """The content when it is another than before."""
        try:
            status = self._file.stat()
            stamp = status.st_ino, status.st_size, status.st_mtime_ns
            if stamp == self._stamp:
                return None
            text = self._file.read_bytes()
        except OSError:
            return None
        self._stamp, before, self._text = stamp, self._text, text
        return text if text != before else None
