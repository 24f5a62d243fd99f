"""Which names from a source may become files: a key never leads out of its folder and never hides another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.record import TYPE_CHECKING

RESERVED = ".kserve-lite-"
MAX_SEGMENT = 255  # bytes, of every file system in use
TAR = {".tar": "", ".tgz": ".gz", ".tbz2": ".bz2", ".tbz": ".bz2", ".txz": ".xz", ".tzst": ".zst"}
TAR |= {f".tar{packing}": packing for packing in (".gz", ".bz2", ".xz", ".zst")}
SINGLE = (".gz", ".bz2", ".xz", ".zst")
MAX_PATH = 2048  # bytes below the destination; PATH_MAX is 4096 with the destination


if TYPE_CHECKING:
    from typing import Protocol, TypeVar

    class Named(Protocol):
        """Anything that will become a file at `path`."""

        @property
        def path(self) -> str: ...  # noqa: D102

    N = TypeVar("N", bound=Named)


def safe_path(key: str) -> str:
    """Return `key` as a relative path of plain segments, or raise `unsafe_key` with what is wrong with it."""
    if problem := _problem(key):
        raise StorageError(
            "unsafe_key",
            f"The source has an entry named {key!r}, which {problem}.",
            "Rename or remove that entry at the source, or leave it out with STORAGE_IGNORE_PATTERNS.",
        )
    return key


def is_reserved(path: str) -> bool:
    """Whether `path` is bookkeeping of an earlier fetch, which is never part of a model."""
    return any(segment.startswith(RESERVED) for segment in path.split("/"))


def check_distinct(entries: Iterable[N]) -> None:
    """Raise when two entries would be one file on some file system, or one the other's folder."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in (entry.path for entry in entries):
        folded = _fold(path)
        if folded in files:
            raise _clash(path, files[folded], "differ at most in case")
        files[folded] = path
        for parent in _parents(path):
            spelled = folders.setdefault(_fold(parent), parent)
            if spelled != parent:
                raise _clash(path, spelled, "have folders that differ only in case")
    for folded in files.keys() & folders.keys():
        raise _clash(files[folded], folders[folded] + "/…", "are a file and a folder of one name")


def below(prefix: str, key: str) -> str | None:
    """Return `key` relative to `prefix` if it lies below it by whole segments: `a` never holds `a-old`."""
    prefix = prefix.strip("/")
    if not prefix:
        return key
    if key == prefix:
        return key.rsplit("/", 1)[-1]
    return key[len(prefix) + 1 :] if key.startswith(prefix + "/") else None


def matching(entries: Sequence[N], allow: Sequence[str], ignore: Sequence[str]) -> list[N]:
    """Keep the entries that match a pattern of `allow` (if any) and none of `ignore`.

    Patterns are fnmatch's on the whole path, so `*` crosses `/`; one that ends in `/` means all below.
    """
    from fnmatch import fnmatchcase

    def matches(path: str, patterns: Sequence[str]) -> bool:
        return any(
            fnmatchcase(path, pattern + "*" if pattern.endswith("/") else pattern) for pattern in patterns
        )

    return [
        entry
        for entry in entries
        if (not allow or matches(entry.path, allow)) and not matches(entry.path, ignore)
    ]


def _problem(key: str) -> str | None:
    if not key:
        return "is empty"
    if key.startswith("/"):
        return "is an absolute path"
    if "\\" in key:
        return "has a backslash"
    if any(
        character < " " or "\x7f" <= character < "\xa0" or "\ud800" <= character < "\ue000"
        for character in key
    ):
        return "has a control character or is not valid text"
    segments = key.split("/")
    if ".." in segments or "." in segments:
        return "leads through '.' or '..'"
    if "" in segments:
        return "has an empty segment"
    if len(segments[0]) == 2 and segments[0][1] == ":":
        return "begins with a drive letter"
    if any(len(segment.encode()) > MAX_SEGMENT for segment in segments) or len(key.encode()) > MAX_PATH:
        return "is too long for a file system"
    return None


def _fold(path: str) -> str:
    if path.isascii():
        return path.lower()
    import unicodedata  # a table of a megabyte, for the few that need it

    return unicodedata.normalize("NFC", path).casefold()


def _parents(path: str) -> Iterator[str]:
    return (str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")


def _clash(one: str, other: str, how: str) -> StorageError:
    return StorageError(
        "clashing_keys",
        f"The entries {one!r} and {other!r} {how}, so one would overwrite the other.",
        "Rename one of them at the source, or leave one out with STORAGE_IGNORE_PATTERNS.",
    )


def is_archive(name: str) -> bool:
    """Whether a file of this name is unpacked; by name alone, since a .npz or .skops is a zip file too."""
    return name.lower().endswith((".zip", *TAR, *SINGLE))
