"""file:// and plain paths: copied, so that what is served doesn't change when the original does."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kserve_lite_server.storage import keys
from kserve_lite_server.storage.errors import StorageError, missing
from kserve_lite_server.storage.settings import MIB, Settings
from kserve_lite_server.storage.source import Body, Chunk, Entry, Source
from kserve_lite_server.storage.uri import Location


def open_source(location: Location, settings: Settings) -> "LocalSource":
    """Return the source for a path, `file:/path` or `file:///path`."""
    if not location.address.lower().startswith("file:"):
        return LocalSource(Path(location.address).expanduser(), location.shown)
    parts = urlsplit(location.address)
    if parts.netloc not in ("", "localhost"):
        raise StorageError(
            "bad_uri",
            f"{location.shown} names the machine {parts.netloc!r}; a file URI reads this machine only.",
            f"Write file:///{parts.netloc}{parts.path} if {parts.netloc!r} is the first folder.",
        )
    return LocalSource(Path(unquote(parts.path)), location.shown)


class LocalSource(Source):
    """A file or a folder."""

    def __init__(self, root: Path, shown: str) -> None:
        self._root = root
        self._shown = shown

    def entries(self) -> list[Entry]:
        """Walk the folder. Links inside it are followed, links that lead out of it are refused."""
        try:
            status = self._root.stat()
            if stat.S_ISDIR(status.st_mode):
                home = self._root.resolve()
                return list(self._walk(home, home, (home,)))
            return [self._entry(self._root, self._root.name, status)]
        except (FileNotFoundError, NotADirectoryError) as error:
            raise missing(
                self._shown, "Check the spelling of the path; a relative one starts where you are."
            ) from error
        except OSError as error:
            raise self._unreadable(error, self._root) from error

    def open(self, entry: Entry, start: int, stop: int | None) -> Body:
        """Open the file at `start`."""
        try:
            handle = os.open(entry.key, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise self._unreadable(error, Path(entry.key)) from error
        return Body(start, stop, self._read(handle, entry, start, stop), lambda: os.close(handle))

    def _walk(self, home: Path, folder: Path, above: tuple[Path, ...]) -> Iterator[Entry]:
        try:
            found = sorted(os.scandir(folder), key=lambda item: item.name)
        except OSError as error:
            raise self._unreadable(error, folder) from error
        for item in found:
            # By names that begin with ".." a kubelet swaps a mounted ConfigMap; the plain names link to them.
            if item.name.startswith((keys.RESERVED, "..")):
                continue
            path = Path(item.path)
            real = path.resolve()
            if not real.is_relative_to(home):
                raise StorageError(
                    "unsafe_link",
                    f"{path} is a link that leads out of {self._shown}.",
                    "Copy the file into the folder (cp -L), or name the folder that the link leads to.",
                )
            if not item.is_dir():
                yield self._entry(path, path.relative_to(home).as_posix(), path.stat())
            elif real in above:
                raise StorageError(
                    "unsafe_link", f"{path} is a link to a folder above it.", "Remove the link."
                )
            else:
                yield from self._walk(home, path, (*above, real))

    def _entry(self, path: Path, name: str, status: os.stat_result) -> Entry:
        if not stat.S_ISREG(status.st_mode):
            raise StorageError(
                "not_a_file",
                f"{path} is a device, socket or pipe.",
                "Only files and folders can be served; remove it from the folder.",
            )
        return Entry(name, status.st_size, f"{status.st_mtime_ns}-{status.st_ino}", str(path))

    def _read(self, handle: int, entry: Entry, start: int, stop: int | None) -> Iterator[Chunk]:
        buffer = memoryview(bytearray(min(MIB, max(1, (entry.size or MIB) - start))))
        position = start
        while stop is None or position < stop:
            try:
                count = os.preadv(handle, [buffer[: min(MIB, (stop or position + MIB) - position)]], position)
            except OSError as error:
                raise self._unreadable(error, Path(entry.key)) from error
            if count == 0:
                return
            position += count
            yield buffer[:count]

    def _unreadable(self, error: OSError, path: Path) -> StorageError:
        return StorageError(
            "not_readable",
            f"{path} can't be read: {error.strerror or error}.",
            "Give this user the right to read it.",
        )
