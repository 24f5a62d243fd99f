"""Whether files have changed: by looking, which works on every file system and however a tool replaces a file."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

_INTERVAL = 0.25

Print = tuple[tuple[str, int, int, int], ...]


async def changes(paths: Callable[[], Iterable[Path]], on_change: Callable[[], None]) -> None:
    """Call `on_change` after each change of `paths()` (files, or folders with all in them) that has come to rest.

    The first look counts as a change: what was written since the caller read the files is not missed.
    """
    seen: Print | None = None
    while True:
        await asyncio.sleep(_INTERVAL)
        now = await asyncio.to_thread(fingerprint, paths())
        if now == seen:
            continue
        while True:  # somebody is still writing: look until two looks agree
            await asyncio.sleep(_INTERVAL)
            again = await asyncio.to_thread(fingerprint, paths())
            if again == now:
                break
            now = again
        seen = now
        on_change()


def fingerprint(paths: Iterable[Path]) -> Print:
    """Return what changes when a file below `paths` is written, replaced, added or removed."""
    return tuple(sorted(line for path in paths for line in _look(path)))


def _look(path: Path) -> Iterable[tuple[str, int, int, int]]:
    try:
        stat = path.stat()
        inside = list(path.iterdir()) if path.is_dir() else []
    except OSError:  # gone: that is a change too
        return
    if path.is_dir():
        for child in inside:
            yield from _look(child)
    else:
        yield (str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino)
