"""One fetch from end to end: list, choose, check the room, transfer, verify, publish."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from kserve_lite_server.storage import keys, manifest
from kserve_lite_server.storage.errors import StorageError, missing
from kserve_lite_server.storage.manifest import File, Manifest, Origin
from kserve_lite_server.storage.progress import Progress
from kserve_lite_server.storage.secrets import load
from kserve_lite_server.storage.settings import Settings, from_environment
from kserve_lite_server.storage.source import Entry, Packed, Source
from kserve_lite_server.storage.sources import kind, open_source
from kserve_lite_server.storage.stage import Stage, locked
from kserve_lite_server.storage.storage_config import resolved, store_entry
from kserve_lite_server.storage.transfer import transfer
from kserve_lite_server.storage.uri import Location, parse

Report = Callable[[Progress], None]


def fetch(uri: str, dest: Path, report: Report | None = None, settings: Settings | None = None) -> Manifest:
    """Bring what `uri` names into the folder `dest` and return the folder's manifest.

    Nothing of it can be seen in `dest` before all of it is there and checked. What a killed process left is
    continued; what is there already, in the version that the source has now, is not fetched again. Calls
    `report` from this thread, often. Raises `StorageError`.
    """
    load()
    location = resolved(parse(uri), os.environ)
    settings = settings or from_environment(
        {**os.environ, **store_entry(os.environ, location.store)}, kind(location)
    )
    with locked(dest), closing(open_source(location, settings)) as source:
        before = manifest.read(dest)
        entries = _choose(source, location, settings)
        if _is_there(dest, before.origin(location.shown), entries):
            return before
        stage = Stage(dest, location.shown)
        try:
            files = _bring(source, entries, stage, location, settings, report or _silent)
            _check_pin(location, files)
            origin = _unpacked(source, location, files, stage, settings)
            after = before.replacing(origin)
            _check_mingling(dest, after)
            stage.publish(origin, before, after)
        finally:
            stage.close()
        return after


def _choose(source: Source, location: Location, settings: Settings) -> list[Entry]:
    """Return the entries to fetch, each with a name that is safe and its own."""
    offered = [entry for entry in source.entries() if not keys.is_reserved(entry.path)]
    if not offered:
        raise missing(location.shown)
    chosen = keys.matching(offered, settings.allow, settings.ignore)
    if not chosen:
        raise StorageError(
            "nothing_matches",
            f"None of the {len(offered)} files at {location.shown} is let through by the patterns.",
            "Correct STORAGE_ALLOW_PATTERNS and STORAGE_IGNORE_PATTERNS; they match paths such as "
            f"{offered[0].path!r}.",
        )
    for entry in chosen:
        keys.safe_path(entry.path)
    keys.check_distinct(chosen)
    size = sum(entry.size or 0 for entry in chosen)
    if len(chosen) > settings.max_files or size > settings.max_bytes:
        raise StorageError(
            "too_large",
            f"{location.shown} holds {len(chosen)} files and {size} bytes, more than is allowed here.",
            "Name a folder that holds only the model, or raise STORAGE_MAX_FILES and STORAGE_MAX_BYTES.",
        )
    return chosen


def _is_there(dest: Path, origin: Origin | None, entries: Sequence[Entry]) -> bool:
    """Whether an earlier fetch published exactly these versions and nobody changed the files since."""
    if origin is None or any(entry.version is None for entry in entries):
        return False
    offered = {(entry.path, entry.version) for entry in entries}
    fetched = origin.archive or origin.files
    return offered == {(file.path, file.version) for file in fetched} and all(
        _unchanged(dest / file.path, file) for file in origin.files
    )


def _unchanged(path: Path, file: File) -> bool:
    import hashlib

    try:
        with path.open("rb") as handle:
            return path.stat().st_size == file.size and (
                hashlib.file_digest(handle, "sha256").hexdigest() == file.sha256
            )
    except OSError:
        return False


def _bring(
    source: Source,
    entries: Sequence[Entry],
    stage: Stage,
    location: Location,
    settings: Settings,
    report: Report,
) -> list[File]:
    """Transfer the entries, telling how far it has come."""
    _check_room(entries, stage)
    began = time.monotonic()

    def tick(received: int, total: int | None, files: int) -> None:
        report(Progress(location.shown, received, total, files, time.monotonic() - began))

    return transfer(source, entries, stage, settings, tick)


def _check_room(entries: Sequence[Entry], stage: Stage) -> None:
    there = sum(stage.ranges(entry.path, entry.version).total for entry in entries)
    needed = sum(entry.size or 0 for entry in entries) - there
    if needed > (free := stage.free()):
        raise StorageError(
            "disk_full",
            f"The model needs {needed} bytes more, and the destination has {free} free.",
            "Free some space there, or give the volume a larger size limit.",
        )


def _check_pin(location: Location, files: Sequence[File]) -> None:
    if location.sha256 is None:
        return
    actual = files[0].sha256 if len(files) == 1 else manifest.folder_digest(files)
    if actual != location.sha256:
        raise StorageError(
            "digest_mismatch",
            f"{location.shown} has the SHA-256 {actual}, and {location.sha256} is asked for.",
            "Someone changed the model, or the pin belongs to another version: correct whichever is wrong.",
        )


def _unpacked(
    source: Source, location: Location, files: Sequence[File], stage: Stage, settings: Settings
) -> Origin:
    """Unpack the one file that came, if its name says that it is an archive, or what a source says is packed."""
    if isinstance(source, Packed):
        contents = source.unpack([stage.path(file.path) for file in files], stage.unpacking())
        return Origin(location.shown, tuple(contents), archive=tuple(files))
    if len(files) != 1 or not keys.is_archive(files[0].path):
        return Origin(location.shown, tuple(files))
    from kserve_lite_server.storage import archive  # five modules of decompressors

    contents = archive.unpack(stage.path(files[0].path), stage.unpacking(), settings)
    if not contents:
        raise StorageError(
            "bad_archive",
            f"{location.shown} is an archive without a file in it.",
            "Pack and upload it again.",
        )
    return Origin(location.shown, tuple(contents), archive=tuple(files))


def _check_mingling(dest: Path, after: Manifest) -> None:
    owners: dict[str, str] = {}
    for origin in after.sources:
        for file in origin.files:
            if (owner := owners.setdefault(file.path, origin.uri)) != origin.uri:
                raise StorageError(
                    "destination_occupied",
                    f"{dest / file.path} comes from {owner} already, and {origin.uri} has one of that name.",
                    "Fetch each source into a folder of its own, or empty the folder first.",
                )


def _silent(progress: Progress) -> None:
    """Report to nobody."""
