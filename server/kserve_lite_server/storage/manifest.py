"""The record of what was fetched into a folder, written last: a folder without it isn't published."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from kserve_lite_server.storage.record import NamedTuple

NAME = ".kserve-lite-manifest.json"
VERSION = 1


class File(NamedTuple):
    """A published file: path below the folder, size in bytes, digest, and the version its source gave it."""

    path: str
    size: int
    sha256: str
    version: str | None = None


class Origin(NamedTuple):
    """One source URI (without credentials or query) and the files that came from it."""

    uri: str
    files: tuple[File, ...]
    archive: tuple[File, ...] = ()  # what they were unpacked from, if they were

    @property
    def bytes(self) -> int:
        """The size of all its files together."""
        return sum(file.size for file in self.files)


class Manifest(NamedTuple):
    """Everything that was fetched into one folder, by source."""

    sources: tuple[Origin, ...] = ()

    def origin(self, uri: str) -> Origin | None:
        """Return what came from `uri`, if anything did."""
        return next((origin for origin in self.sources if origin.uri == uri), None)

    def replacing(self, origin: Origin) -> "Manifest":
        """Return a manifest in which `origin` stands for its URI."""
        others = tuple(other for other in self.sources if other.uri != origin.uri)
        return Manifest((*others, origin))


def read(folder: Path) -> Manifest:
    """Return the manifest of `folder`; an unreadable one counts as empty, so its files are fetched again."""
    try:
        document = json.loads((folder / NAME).read_bytes())
        if document["version"] != VERSION:
            return Manifest()
        return Manifest(
            tuple(
                Origin(
                    source["uri"],
                    tuple(File(**file) for file in source["files"]),
                    tuple(File(**file) for file in source.get("archive", ())),
                )
                for source in document["sources"]
            )
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Manifest()


def write(folder: Path, manifest: Manifest) -> None:
    """Put `manifest` into `folder` in one step, so that a reader sees the old one or the new one."""
    sources = [
        {
            "uri": origin.uri,
            "files": [file._asdict() for file in origin.files],
            "archive": [file._asdict() for file in origin.archive],
        }
        for origin in manifest.sources
    ]
    document = {"version": VERSION, "sources": sources}
    draft = folder / f"{NAME}.draft"
    with draft.open("w") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / NAME)


def folder_digest(files: Iterable[File]) -> str:
    """Return the digest that pins a folder: that of what `sha256sum` prints for its files, sorted by path."""
    lines = (f"{file.sha256}  {file.path}\n" for file in sorted(files, key=lambda file: file.path.encode()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
