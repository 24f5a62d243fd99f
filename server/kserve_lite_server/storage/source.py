"""What the engine asks of a scheme: list the files, open one at an offset."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kserve_lite_server.storage.manifest import File
from kserve_lite_server.storage.record import NamedTuple

Chunk = bytes | bytearray | memoryview


class Entry(NamedTuple):
    """A file that a source offers.

    `path` is where it goes below the destination, `key` what the source calls it. `version` changes when the
    content does; without one a broken download can't be continued. `sha256` is what the source vouches for.
    """

    path: str
    size: int | None
    version: str | None = None
    key: str = ""
    sha256: str | None = None


class Body(NamedTuple):
    """Bytes on their way: those of `[start, stop)`, which is the whole file when the source can't serve ranges."""

    start: int
    stop: int | None  # None when the source doesn't say
    chunks: Iterable[Chunk]
    close: Callable[[], None] = lambda: None

    @contextmanager
    def closing(self) -> Iterator["Body"]:
        """Close the body at the end, read out or not."""
        try:
            yield self
        finally:
            self.close()


class Source(ABC):
    """A place that models come from, safe to use from threads.

    Raises `StorageError` for good and `Transient` for now.
    """

    @abstractmethod
    def entries(self) -> Sequence[Entry]:
        """Return every file at or below the location; an empty one is an error of the caller's wording."""

    @abstractmethod
    def open(self, entry: Entry, start: int, stop: int | None) -> Body:
        """Return the bytes of `entry` from `start` up to `stop` (or the end)."""

    def close(self) -> None:  # noqa: B027 - many hold nothing
        """Let go of what it holds on this machine."""


class Packed(Source):
    """A source whose entries are packages; its model is what is in them."""

    @abstractmethod
    def unpack(self, packages: Sequence[Path], into: Path) -> list[File]:
        """Bring the model out of `packages` into the empty folder `into`."""
