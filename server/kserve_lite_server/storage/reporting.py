"""What a fetch tells the world: JSON lines for programs, a bar for people, the last word for a kubelet."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.manifest import Origin
from kserve_lite_server.storage.progress import Progress
from kserve_lite_server.storage.record import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, TextIO

TERMINATION_LOG = "/dev/termination-log"  # a kubelet mounts it and shows its content in the pod's status
INTERVAL = 1.0


class Reporter:
    """Writes to stdout at most once a second and at the end; draws on stderr when that is a terminal."""

    def __init__(self, out: TextIO = sys.stdout, err: TextIO = sys.stderr) -> None:
        self._out = out
        self._err = err
        self._bar = err.isatty()
        self._last = float("-inf")

    def progress(self, progress: Progress) -> None:
        """Tell how far it has come, unless that was told within the last second."""
        now = time.monotonic()
        if now - self._last < INTERVAL:
            return
        self._last = now
        remaining = progress.remaining
        self._line(
            phase="downloading",
            uri=progress.uri,
            bytes=progress.bytes,
            total=progress.total,
            files=progress.files,
            rate=round(progress.rate),
            remaining=None if remaining is None else round(remaining, 1),
        )
        if self._bar:
            self._err.write(f"\r\x1b[K{_bar(progress)}")
            self._err.flush()

    def done(self, origin: Origin, seconds: float) -> None:
        """Tell what came, in which versions and how long it took."""
        versions = {file.version for file in origin.files}
        final = self._line(
            phase="done",
            uri=origin.uri,
            bytes=origin.bytes,
            files=len(origin.files),
            seconds=round(seconds, 3),
            version=versions.pop() if len(versions) == 1 else None,
        )
        self._say(f"{origin.uri}: {len(origin.files)} files, {_size(origin.bytes)} in {seconds:.1f} s")
        _last_word(final)

    def failed(self, error: StorageError) -> None:
        """Tell what went wrong and what to do about it."""
        final = self._line(phase="failed", code=error.code, message=error.message, remedy=error.remedy)
        self._say(f"error: {error.message} [{error.code}]\n  {error.remedy}")
        _last_word(final)

    def _line(self, **fields: Any) -> str:
        line = json.dumps(fields, ensure_ascii=False)
        print(line, file=self._out, flush=True)
        return line

    def _say(self, text: str) -> None:
        print(f"\r\x1b[K{text}" if self._bar else text, file=self._err, flush=True)


def _last_word(line: str) -> None:
    """Leave the final message where the kubelet reads it; anywhere else there is no such file."""
    path = Path(os.environ.get("STORAGE_TERMINATION_LOG", TERMINATION_LOG))
    if path.is_file() and os.access(path, os.W_OK):
        path.write_text(line[:4096])


def _bar(progress: Progress) -> str:
    figures = f"{_size(progress.bytes)}, {progress.files} files, {_size(progress.rate)}/s"
    if not progress.total:
        return figures
    share = min(progress.bytes / progress.total, 1.0)
    left = "" if progress.remaining is None else f", {progress.remaining:.0f} s left"
    return f"[{'#' * round(30 * share):<30}] {share:4.0%} {figures}{left}"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
