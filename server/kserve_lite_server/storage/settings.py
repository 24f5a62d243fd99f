"""How a fetch behaves; every setting can be given by environment, as a pod gives it."""

import json
import os
from collections.abc import Mapping

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.record import NamedTuple

MIB = 1 << 20
GIB = 1 << 30


class Settings(NamedTuple):
    """Sizes in bytes, times in seconds."""

    connections: int = 16
    span: int = 16 * MIB  # what one request asks for while much is left; a quarter at the end
    mark: int = MIB  # what a kill may cost a connection: progress is journalled this often
    retries: int = 6  # in a row without a byte of progress
    backoff: float = 0.2  # before the first new try, doubled for each one after
    connect: float = 15.0  # until a server takes the connection
    stall: float = 60.0  # without a byte
    total: float | None = None  # for one source
    max_bytes: int = 512 * GIB  # of one source, unpacked
    max_files: int = 100_000
    max_ratio: int = 200  # unpacked to packed
    allow: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def from_environment(environment: Mapping[str, str] = os.environ, kind: str = "") -> Settings:
    """Read the settings that are set; one that can't be read is an error that names its variable.

    `kind` is that of the source: KServe has variables of its own for some, which count where ours are not set.
    """
    read = _Reader(environment)
    default = _upstream(read, kind)
    return Settings(
        connections=read.whole("STORAGE_CONNECTIONS", default.connections),
        retries=read.whole("STORAGE_RETRIES", default.retries, least=0),
        connect=min(default.connect, read.seconds("STORAGE_STALL_SECONDS") or default.connect),
        stall=read.seconds("STORAGE_STALL_SECONDS") or default.stall,
        total=read.seconds("STORAGE_TIMEOUT_SECONDS"),
        max_bytes=read.whole("STORAGE_MAX_BYTES", default.max_bytes),
        max_files=read.whole("STORAGE_MAX_FILES", default.max_files),
        max_ratio=read.whole("STORAGE_MAX_RATIO", default.max_ratio),
        allow=read.patterns("STORAGE_ALLOW_PATTERNS"),
        ignore=read.patterns("STORAGE_IGNORE_PATTERNS"),
    )


def _upstream(read: "_Reader", kind: str) -> Settings:
    """Return the defaults, with what KServe's variables for this kind of source change."""
    default = Settings()
    match kind:
        case "s3":
            return default._replace(
                connections=read.whole("S3_MAX_FILE_CONCURRENCY", default.connections),
                connect=read.seconds("S3_CONNECT_TIMEOUT") or default.connect,
                stall=read.seconds("S3_READ_TIMEOUT") or default.stall,
                retries=read.whole("S3_MAX_ATTEMPTS", default.retries + 1) - 1,  # boto counts the first try
            )
        case "azure":  # so many files at once, and of each so many ranges
            files, chunks = (read.whole(f"AZURE_MAX_{what}_CONCURRENCY", 0) for what in ("FILE", "CHUNK"))
            return default._replace(connections=(files or 4) * (chunks or 4)) if files or chunks else default
        case "webhdfs":
            return default._replace(connections=read.whole("N_THREADS", default.connections))
        case "huggingface":
            return default._replace(stall=read.seconds("HF_HUB_DOWNLOAD_TIMEOUT") or default.stall)
    return default


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def whole(self, name: str, default: int, least: int = 1) -> int:
        text = self._environment.get(name, "").strip()
        if not text:
            return default
        if not text.isdecimal() or int(text) < least:
            raise _bad(name, text, f"Give a whole number of at least {least}.")
        return int(text)

    def seconds(self, name: str) -> float | None:
        text = self._environment.get(name, "").strip()
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            raise _bad(name, text, "Give a number of seconds above 0.")
        return value

    def patterns(self, name: str) -> tuple[str, ...]:
        """Read a JSON list, or names with commas between them."""
        text = self._environment.get(name, "").strip()
        if not text.startswith("["):
            return tuple(part.strip() for part in text.split(",") if part.strip())
        try:
            patterns = json.loads(text)
        except ValueError:
            patterns = None
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            raise _bad(
                name, text, 'Give a JSON list of strings, such as ["*.joblib"], or patterns with commas.'
            )
        return tuple(patterns)


def _bad(name: str, text: str, remedy: str) -> StorageError:
    return StorageError("bad_setting", f"The environment variable {name}={text!r} can't be read.", remedy)
