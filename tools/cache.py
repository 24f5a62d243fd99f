"""Where built programs and images are kept: outside the clone, shared by all clones of a person."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE = Path(__file__).parent.parent


def home() -> Path:
    """Return the folder that outlives a clone: `${XDG_CACHE_HOME:-~/.cache}/kserve-lite`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kserve-lite"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path`.lock while the block runs; the kernel gives it back when the holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{path}.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
