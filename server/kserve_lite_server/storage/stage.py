"""The folder inside the destination where a source is assembled before any of it can be seen.

It outlives a killed process: its journal says which bytes are on disk, so the next start asks only for the
rest. It lies inside the destination because that is often a mount point, over which nothing can be renamed.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kserve_lite_server.storage import manifest
from kserve_lite_server.storage.errors import StorageError, writing_failed
from kserve_lite_server.storage.manifest import Manifest, Origin
from kserve_lite_server.storage.ranges import Ranges

FOLDER = ".kserve-lite-partial"


@contextmanager
def locked(dest: Path) -> Iterator[None]:
    """Hold `dest`, creating it when needed, so that two fetches never write into one folder at a time."""
    try:
        dest.mkdir(parents=True, exist_ok=True)
        handle = os.open(dest, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise writing_failed(error, dest) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise StorageError(
            "destination_busy",
            f"Another process is fetching into {dest}.",
            "Wait for it to end, or choose another folder.",
        ) from error
    finally:
        os.close(handle)


class Stage:
    """Files under way for one source and one destination."""

    def __init__(self, dest: Path, uri: str) -> None:
        """Take over what an interrupted fetch of `uri` left here; anything else left here is dropped."""
        self._dest = dest
        self._folder = dest / FOLDER
        self._files = self._folder / "files"
        journal = self._folder / "journal"
        self._header = json.dumps({"uri": uri, "boot": _boot()})
        try:
            self._known = _read_journal(journal, self._header)
            if self._known is None:
                _remove(self._folder)
                self._files.mkdir(parents=True)
                journal.write_text(self._header + "\n")
            self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND)
        except OSError as error:
            raise writing_failed(error, dest) from error

    def ranges(self, path: str, version: str | None) -> Ranges:
        """Return the bytes of `path` that are on disk, if they are of this version."""
        known = (self._known or {}).get(path)
        if known is None or version is None or known[0] != version or not (self._files / path).is_file():
            return Ranges()
        return Ranges(known[1])

    def record(self, path: str, version: str | None, start: int, stop: int) -> None:
        """Note that a range is on disk (safe from threads: one short append)."""
        os.write(self._journal, (json.dumps([path, version, start, stop]) + "\n").encode())

    def open(self, path: str, keep: bool) -> int:
        """Return a descriptor to write `path` with, emptied unless its bytes are to be kept."""
        target = self._files / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return os.open(target, os.O_RDWR | os.O_CREAT | (0 if keep else os.O_TRUNC), 0o644)

    def path(self, path: str) -> Path:
        """Return where `path` lies until it is published."""
        return self._files / path

    def unpacking(self) -> Path:
        """Return an empty folder for what comes out of an archive."""
        folder = self._folder / "unpacked"
        _remove(folder)
        try:
            folder.mkdir()
        except OSError as error:
            raise writing_failed(error, self._dest) from error
        return folder

    def free(self) -> int:
        """Return how many bytes this user may still write here."""
        status = os.statvfs(self._folder)
        return status.f_bavail * status.f_frsize

    def publish(self, origin: Origin, before: Manifest, after: Manifest) -> None:
        """Move the files of `origin` to the destination, remove what only `before` had; the manifest comes last."""
        root = self._folder / "unpacked" if origin.archive else self._files
        manifest_file = self._dest / manifest.NAME
        old = {file.path for origin in before.sources for file in origin.files}
        new = {file.path for origin in after.sources for file in origin.files}
        try:
            manifest_file.unlink(missing_ok=True)
            for file in origin.files:
                target = self._dest / file.path
                _make_parents(self._dest, target)
                (root / file.path).replace(target)
            for path in old - new:
                (self._dest / path).unlink(missing_ok=True)
            manifest.write(self._dest, after)
        except OSError as error:
            raise writing_failed(error, self._dest) from error
        _remove(self._folder)

    def close(self) -> None:
        """Let go of the journal; the files stay for the next start."""
        os.close(self._journal)


def _remove(folder: Path) -> None:
    """Remove a stage or a part of it; one whose files are published goes without `shutil` and its decompressors."""
    with suppress(OSError):
        (folder / "journal").unlink()
        for empty, _, _ in os.walk(folder, topdown=False):
            os.rmdir(empty)
    if folder.exists():
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def _make_parents(dest: Path, target: Path) -> None:
    """Create the folders down to `target`, refusing to go through a link that someone put there."""
    missing = []
    for parent in target.relative_to(dest).parents:
        folder = dest / parent
        if folder.is_symlink() and folder != dest:
            raise StorageError(
                "destination_not_writable",
                f"{folder} is a symbolic link, and a fetch only writes below its own folder.",
                "Remove the link, or choose an empty folder.",
            )
        missing.append(folder)
    missing[0].mkdir(parents=True, exist_ok=True)


def _read_journal(journal: Path, header: str) -> dict[str, tuple[str | None, list[tuple[int, int]]]] | None:
    try:
        first, *lines = journal.read_text().splitlines()
    except (OSError, ValueError):
        return None
    if first != header:
        return None
    known: dict[str, tuple[str | None, list[tuple[int, int]]]] = {}
    for line in lines:
        try:
            path, version, start, stop = json.loads(line)
        except ValueError:
            continue  # the line that a kill cut short
        if path not in known or known[path][0] != version:
            known[path] = (version, [])
        known[path][1].append((start, stop))
    return known


def _boot() -> str:
    """Identify this start of the machine: pages that the journal counts may not have survived a crash."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"
