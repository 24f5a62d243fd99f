"""A private folder for what one `serve` downloads: gone when it ends, swept by the next one after a `kill -9`."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_LOCK = ".lock"


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """Yield a fresh folder below the user's cache, held by a lock that ends with this process."""
    root = cache() / "serve"
    root.mkdir(parents=True, exist_ok=True)
    with (root / _LOCK).open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)  # nobody sweeps between the making of a folder and its lock
        _sweep(root)
        folder = Path(tempfile.mkdtemp(dir=root))
        lock = (folder / _LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with lock:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def cache() -> Path:
    """Return where this user's caches of the project live (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kserve-lite"


def _sweep(root: Path) -> None:
    """Remove folders whose owner is gone: their lock can be had."""
    for folder in root.iterdir():
        with contextlib.suppress(OSError), (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
