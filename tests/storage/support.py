"""How tests look at folders."""

import hashlib
from pathlib import Path

from kserve_lite_server.storage.keys import is_reserved


def contents(folder: Path) -> dict[str, bytes]:
    """Return what anybody can see in `folder`: every file by its path, without the bookkeeping."""
    return {
        path: file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not is_reserved(path := file.relative_to(folder).as_posix())
    }


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
