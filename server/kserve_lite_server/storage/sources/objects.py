"""What S3, Google Cloud Storage and Azure have in common: buckets of keys, read through obstore."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from kserve_lite_server.storage import keys, network
from kserve_lite_server.storage.errors import StorageError, missing
from kserve_lite_server.storage.retry import retrying
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Body, Chunk, Entry, Source

if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

    Store = AzureStore | GCSStore | S3Store

CHUNK = 64 << 10  # what comes in one piece from the network is larger; joining pieces costs a copy
PAGE = 1000

T = TypeVar("T")


class ObjectSource(Source):
    """A key or a prefix of one bucket."""

    def __init__(
        self, store: "Store", prefix: str, shown: str, settings: Settings, about_keys: str = ""
    ) -> None:
        """`about_keys` is said beside the remedy where the store does not know the keys."""
        self._store = store
        self._prefix = prefix.strip("/")
        self._shown = shown
        self._settings = settings
        self._about_keys = about_keys

    def entries(self) -> list[Entry]:
        """List what lies below the prefix by whole segments, or else the one object of that name."""
        try:
            found = [self._entry(meta) for meta in self._asking(self._list)]
        except StorageError as error:
            if error.code != "access_denied" or not self._prefix:
                raise
            return [self._single(error)]  # the right to read a key without the right to list is common
        if not found and self._prefix:
            return [self._single(missing(self._shown))]
        return [entry for entry in found if entry.size or not self._is_placeholder(entry)]

    def open(self, entry: Entry, start: int, stop: int | None) -> Body:
        """Open a range of an object, in the version that was listed."""
        options: dict[str, Any] = {}
        if stop is not None:
            options["range"] = (start, stop)
        if entry.version and entry.version.startswith('"'):
            options["if_match"] = entry.version
        try:
            result = obstore.get(self._store, entry.key, options=options)  # type: ignore[arg-type]
        except (BaseError, OSError) as error:
            if "non-partial response" not in str(error):
                raise self._translated(error) from error
            options.pop("range")
            result = self._calling(
                lambda: obstore.get(self._store, entry.key, options=options)  # type: ignore[arg-type]
            )
        return Body(*result.range, self._chunks(result.stream(min_chunk_size=CHUNK)))

    def _list(self) -> list[Mapping[str, Any]]:
        pages = obstore.list(self._store, self._prefix or None, chunk_size=PAGE)
        found: list[Mapping[str, Any]] = []
        for page in pages:
            found += page
            if len(found) > self._settings.max_files:
                raise StorageError(
                    "too_large",
                    f"{self._shown} holds more than {self._settings.max_files} files.",
                    "Name a folder that holds only the model, or raise STORAGE_MAX_FILES.",
                )
        return found

    def _entry(self, meta: Mapping[str, Any]) -> Entry:
        path = keys.below(self._prefix, meta["path"])
        if path is None:
            raise StorageError(
                "server_error",
                f"The server lists {meta['path']!r}, which is not below {self._shown}.",
                "Check that the endpoint is an object store.",
            )
        return Entry(path, meta["size"], meta["e_tag"] or str(meta["last_modified"]), meta["path"])

    def _single(self, otherwise: StorageError) -> Entry:
        try:
            meta = self._asking(lambda: obstore.head(self._store, self._prefix))
        except StorageError as error:
            if error.code in ("not_found", "access_denied"):
                raise otherwise from error
            raise
        return self._entry(meta)

    def _is_placeholder(self, entry: Entry) -> bool:
        """Whether an empty object stands for a folder: its key ends in '/', so that it isn't found without."""
        try:
            self._asking(lambda: obstore.head(self._store, entry.key))
        except StorageError as error:
            if error.code == "not_found":
                return True
            raise
        return False

    def _asking(self, call: Callable[[], T]) -> T:
        return retrying(lambda: self._calling(call), self._settings)

    def _calling(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except (BaseError, OSError, ValueError) as error:
            raise self._translated(error) from error

    def _chunks(self, stream: Iterator[bytes]) -> Iterator[Chunk]:
        try:
            yield from stream
        except (BaseError, OSError) as error:
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> Exception:
        found = translated(error, self._shown, self._settings)
        if self._about_keys and isinstance(found, StorageError) and found.code == "wrong_credentials":
            return StorageError(found.code, found.message, f"{found.remedy} {self._about_keys}")
        return found


def translated(error: Exception, shown: str, settings: Settings) -> Exception:
    """Say in our words what obstore says in its debug output, of which nothing is passed on: it holds whole URLs."""
    text = str(error)
    code = found[1] if (found := re.search(r"<Code>(\w+)</Code>", text)) else ""
    if code in network.CREDENTIAL_CODES or isinstance(error, UnauthenticatedError):
        return network.status_error(401, shown, code)
    if isinstance(error, PermissionDeniedError):
        return network.status_error(403, shown, code)
    if code in ("NoSuchBucket", "ContainerNotFound"):
        return missing(shown, "Check the name of the bucket, and the endpoint and region of the storage.")
    if "169.254.169.254" in text or "metadata.google.internal" in text:
        return StorageError(
            "no_credentials",
            f"There are no credentials for {shown}, and this machine has no cloud identity.",
            "Set them in the environment or the service account's Secret, or ask for anonymous access.",
        )
    if status := re.search(r"status code: (\d{3})", text):
        # Objects are never posted: that was an identity's token, which should have been changed for keys.
        refused = "performing POST" in text and status[1].startswith("4") and status[1] != "429"
        return network.status_error(401 if refused else int(status[1]), shown, code)
    if isinstance(error, FileNotFoundError):
        return missing(shown)
    if re.search(r"[Cc]ertificate|UnknownIssuer|NotValidForName", text):
        return network.untrusted(shown, _trust_complaint(text))
    if re.search(r"Path .* contain|InvalidPath|illegal|EmptySegment|BadSegment", text):
        return StorageError(
            "unsafe_key",
            f"{shown} holds a key that can't be a path: {_path_complaint(text)}.",
            "Rename or remove that object.",
        )
    if re.search(r"TimedOut|timed out|Timeout", text):
        return network.stalled(shown, settings.stall)
    return network.unreachable(shown, _network_complaint(text))


def client_options(settings: Settings, bundle: Path | None, *, insecure: bool = False) -> "ClientConfig":
    """Return how obstore connects; the total time-out is the engine's."""
    options: ClientConfig = {
        "allow_http": True,
        "allow_invalid_certificates": insecure,
        "connect_timeout": timedelta(seconds=settings.connect),
        "read_timeout": timedelta(seconds=settings.stall),
        "timeout": timedelta(days=1),
        "user_agent": "kserve-lite-storage",
    }
    if bundle is not None:
        options["root_certificate"] = bundle.read_bytes()
    return options


def no_retries() -> "RetryConfig":
    """Leave trying again to the engine, which counts, waits and continues where the bytes ended."""
    return {"max_retries": 0, "retry_timeout": timedelta(days=1)}


def _trust_complaint(text: str) -> str:
    if "Expired" in text:
        return "it has expired"
    if "CaUsedAsEndEntity" in text:
        return "it is that of an authority, not of a server"
    if "NotValidForName" in text:
        return "it is for another host"
    return "no known authority vouches for it"


def _path_complaint(text: str) -> str:
    return text.split("\n", 1)[0].split(": ")[-1].strip().rstrip(".")[:200]


def _network_complaint(text: str) -> str:
    if "dns error" in text or "failed to lookup" in text:
        return "its name is not known"
    if "ConnectionRefused" in text:
        return "the connection is refused"
    if "ConnectionReset" in text or "IncompleteMessage" in text or "UnexpectedEof" in text:
        return "the connection broke"
    return "the connection failed"
