"""Unpack one archive as if its author were an enemy: plain files only, inside the folder, within limits.

Nothing of the archive is trusted but the bytes of its members: no owner, mode, link or declared size.
"""

import bz2
import gzip
import hashlib
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from kserve_lite_server.storage import keys
from kserve_lite_server.storage.errors import StorageError, writing_failed
from kserve_lite_server.storage.manifest import File
from kserve_lite_server.storage.settings import MIB, Settings

BLOCK = 256 << 10
SMALL = 64 * MIB  # up to this, text may compress as well as it likes
MEMORY = 192 * MIB  # what a decompressor may take; xz -9 takes 65 MiB
WINDOW = 128 * MIB  # the same for zstd: what --long asks for
PIECE = 1 << 10  # of zstd, in; up to 32 MiB come out of it
HEADER = MIB  # the longest name or attribute block that tar may read into memory


def _as_named(name: str) -> str | None:
    return name


def unpack(
    archive: Path, into: Path, settings: Settings, select: Callable[[str], str | None] = _as_named
) -> list[File]:
    """Unpack `archive` into the folder `into` and return its files; after an error `into` holds rubbish.

    `select` says where a member goes; the members for which it says None are passed over, whatever they are.
    """
    budget = _Budget(archive, settings)
    files: list[File] = []
    try:
        for name, content in _members(archive, budget, select):
            files.append(_write(keys.safe_path(name), content, into))
    except (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, ValueError) as error:
        raise _bad(archive, str(error)) from error
    except (NotImplementedError, RuntimeError) as error:
        raise _bad(archive, f"it is packed in a way that can't be read here: {error}") from error
    except OSError as error:
        if error.errno is None:  # the decompressors' own complaint
            raise _bad(archive, str(error)) from error
        raise writing_failed(error, into) from error
    keys.check_distinct(files)
    return files


class Readable(Protocol):
    """What gives bytes."""

    def read(self, size: int, /) -> bytes: ...  # noqa: D102


class _Budget:
    """What is left of the limits for one archive."""

    def __init__(self, archive: Path, settings: Settings) -> None:
        self._archive = archive
        self._files = settings.max_files
        self._bytes = min(settings.max_bytes, max(SMALL, archive.stat().st_size * settings.max_ratio))
        self._settings = settings

    def spend(self, count: int) -> None:
        """Account for `count` unpacked bytes."""
        self._bytes -= count
        if self._bytes < 0:
            raise StorageError(
                "too_large",
                f"{self._archive.name} unpacks to more than {self._settings.max_ratio} times its size, "
                f"or more than {self._settings.max_bytes} bytes.",
                "If that is what it should hold, raise STORAGE_MAX_RATIO or STORAGE_MAX_BYTES.",
            )

    def member(self) -> None:
        """Account for one more entry."""
        self._files -= 1
        if self._files < 0:
            raise StorageError(
                "too_large",
                f"{self._archive.name} holds more than {self._settings.max_files} entries.",
                "If that is what it should hold, raise STORAGE_MAX_FILES.",
            )


def _members(
    archive: Path, budget: _Budget, select: Callable[[str], str | None]
) -> Iterator[tuple[str, Readable]]:
    """Yield name and content of each file; a content must be read before the next is asked for."""
    name = archive.name.lower()
    if name.endswith(".zip"):
        yield from _zip_members(archive, budget, select)
    elif suffix := next(
        (suffix for suffix in sorted(keys.TAR, key=len, reverse=True) if name.endswith(suffix)), None
    ):
        with archive.open("rb") as packed:
            yield from _tar_members(
                archive, _Counted(_plain(packed, keys.TAR[suffix]), budget), budget, select
            )
    else:
        with archive.open("rb") as packed:
            yield archive.stem, _Counted(_plain(packed, archive.suffix.lower()), budget)


def _zip_members(
    archive: Path, budget: _Budget, select: Callable[[str], str | None]
) -> Iterator[tuple[str, Readable]]:
    with zipfile.ZipFile(archive) as package:
        infos = package.infolist()
        if sum(info.compress_size for info in infos) > archive.stat().st_size:
            raise _bad(archive, "its members overlap")
        for info in infos:
            budget.member()
            if "\x00" in info.orig_filename:
                keys.safe_path(info.orig_filename)
            kind = stat.S_IFMT(info.external_attr >> 16)
            name = select(info.filename)
            if info.is_dir() or name is None or keys.is_reserved(name):
                continue
            if kind not in (0, stat.S_IFREG):
                raise _unsafe(archive, info.filename)
            if info.flag_bits & 1:
                raise _bad(archive, f"{info.filename!r} is encrypted")
            with package.open(info) as content:
                yield name, _Counted(content, budget)


def _tar_members(
    archive: Path, plain: Readable, budget: _Budget, select: Callable[[str], str | None]
) -> Iterator[tuple[str, Readable]]:
    stream: Any = plain  # its declared type asks for more than a stream is read with
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_CarefulTarInfo) as package:
        while (info := package.next()) is not None:
            budget.member()
            package.members = []  # type: ignore[attr-defined]  # a stream needs no memory of what has passed
            name = info.name
            while name.startswith("./"):
                name = name[2:]
            if info.isdir() and name not in ("", "."):
                keys.safe_path(name)
            selected = select(name)
            if info.isdir() or selected is None or keys.is_reserved(selected):
                continue
            if not info.isreg() or info.issparse():
                raise _unsafe(archive, info.name)
            content = package.extractfile(info)
            assert content is not None
            yield selected, content


class _CarefulTarInfo(tarfile.TarInfo):
    """Refuses the headers that tarfile would read into memory at whatever length they declare."""

    def _proc_member(self, package: tarfile.TarFile) -> Any:
        lengthy = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE)
        if self.type in (*lengthy, tarfile.SOLARIS_XHDTYPE) and self.size > HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(package)  # type: ignore[misc]


def _plain(packed: IO[bytes], suffix: str) -> Readable:
    if suffix == "":
        return packed
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=packed, mode="rb")
    if suffix == ".bz2":
        return bz2.BZ2File(packed)
    if suffix == ".zst":
        return _Zstandard(packed)
    return _Xz(packed)


class _Xz:
    """Reads .xz within a limit of memory, which lzma.open doesn't know."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._ahead = b""
        self._stream = lzma.LZMADecompressor(memlimit=MEMORY)

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        while True:
            if self._stream.eof:
                self._ahead = (self._stream.unused_data or self._packed.read(BLOCK)).lstrip(b"\x00")
                if not self._ahead:
                    return b""
                self._stream = lzma.LZMADecompressor(memlimit=MEMORY)
            elif self._stream.needs_input and not self._ahead:
                self._ahead = self._packed.read(BLOCK)
                if not self._ahead:
                    raise EOFError("it ends in the middle")
            data, self._ahead = self._ahead, b""
            if block := self._stream.decompress(data, size):
                return block


class _Zstandard:
    """Reads .zst by little pieces: zstandard's own reader takes a cut file for a whole one."""

    def __init__(self, packed: IO[bytes]) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._new = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj
        self._packed = packed
        self._frame = self._new()
        self._ahead = b""
        self._ready = memoryview(b"")
        self._between = False  # of two frames: the only place where the file may end

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        while not self._ready:
            if self._frame.eof:
                self._ahead, self._frame = self._frame.unused_data, self._new()
            data = self._ahead or self._packed.read(PIECE)
            if not data:
                if self._between:
                    return b""
                raise EOFError("it ends in the middle")
            self._ahead, self._between = b"", False
            try:
                self._ready = memoryview(self._frame.decompress(data))
            except self._error as error:
                raise ValueError(str(error)) from error
            self._between = self._frame.eof and not self._frame.unused_data
        block, self._ready = self._ready[:size], self._ready[size:]
        return bytes(block)


class _Counted:
    """Accounts for everything that is read, whether it becomes a file or not."""

    def __init__(self, plain: Readable, budget: _Budget) -> None:
        self._plain = plain
        self._budget = budget

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes."""
        block = self._plain.read(size)
        self._budget.spend(len(block))
        return block


def _write(path: str, content: Readable, into: Path) -> File:
    target = into / path
    sha256, size = hashlib.sha256(), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    except (FileExistsError, NotADirectoryError) as error:
        raise StorageError(
            "clashing_keys",
            f"The archive holds {path!r} twice, or as a file and as a folder.",
            "Pack it again.",
        ) from error
    with os.fdopen(handle, "wb") as file:
        while block := content.read(BLOCK):
            file.write(block)
            sha256.update(block)
            size += len(block)
    return File(path, size, sha256.hexdigest())


def _unsafe(archive: Path, name: str) -> StorageError:
    return StorageError(
        "unsafe_archive",
        f"{archive.name} holds {name!r}, which is a link, a device or another thing that is no plain file.",
        "Pack it again with plain files: tar --dereference, or zip without -y.",
    )


def _bad(archive: Path, reason: str) -> StorageError:
    return StorageError(
        "bad_archive",
        f"{archive.name} can't be unpacked: {reason}.",
        "Pack and upload it again; its name must say how it is packed (.zip, .tar, .tar.gz, .gz, …).",
    )
