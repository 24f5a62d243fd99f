"""https://ACCOUNT.file.core.windows.net/share/path: a folder or file of an Azure file share, by its REST interface.

The account's access key or a SAS opens it; file shares know no anonymous access.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterator
from email.utils import formatdate
from functools import partial
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit
from xml.etree.ElementTree import Element, ParseError, fromstring

from kserve_lite_server.storage import keys
from kserve_lite_server.storage.errors import StorageError, missing
from kserve_lite_server.storage.http import Client, HttpSource
from kserve_lite_server.storage.retry import retrying
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Body, Entry
from kserve_lite_server.storage.sources.web import byte_range
from kserve_lite_server.storage.uri import Location

VERSION = (
    "2022-11-02"  # the first whose listings are percent-encoded where XML can't hold a name, and have ETags
)
DEEPEST = 50
UNSENT = 11  # signed lines for standard headers, of which a GET sends none (the range is in x-ms-range)


def open_source(location: Location, settings: Settings) -> "ShareSource":
    """Return the source for a share's folder or file."""
    parts = urlsplit(location.address)
    account = (parts.hostname or "").split(".")[0]
    share, _, path = unquote(parts.path).strip("/").partition("/")
    if not share:
        raise StorageError(
            "bad_uri",
            f"{location.shown} names no share.",
            "Write https://ACCOUNT.file.core.windows.net/SHARE/PATH.",
        )
    sas = parts.query or os.environ.get("AZURE_STORAGE_SAS_TOKEN", "").lstrip("?")
    access = _Access(account, sas, os.environ.get("AZURE_STORAGE_ACCESS_KEY", ""))
    if not sas and not access.key:
        raise StorageError(
            "no_credentials",
            f"There are no credentials for {location.shown}, and a file share can't be read without.",
            "Set AZURE_STORAGE_ACCESS_KEY or AZURE_STORAGE_SAS_TOKEN, or mount the share as a claim and use pvc://.",
        )
    endpoint = os.environ.get("AZURE_STORAGE_FILE_ENDPOINT") or f"{parts.scheme}://{parts.netloc}"
    return ShareSource(endpoint.rstrip("/"), share, path, access, location.shown, settings)


class ShareSource(HttpSource):
    """A folder or file of one share."""

    def __init__(
        self, endpoint: str, share: str, path: str, access: "_Access", shown: str, settings: Settings
    ) -> None:
        self._endpoint = endpoint
        self._share = share
        self._path = path
        self._access = access
        self._shown = shown
        self._settings = settings
        self._client = Client(settings)

    def entries(self) -> list[Entry]:
        """Walk the folder, or list the one above for a file: only a listing tells sizes and versions of all."""
        try:
            return list(self._walk(self._path, "", 0))
        except StorageError as error:
            if error.code != "not_found" or not self._path:
                raise missing(self._shown) if error.code == "not_found" else error from error
        above, _, name = self._path.rpartition("/")
        try:
            files = [entry for entry in self._walk(above, "", 0, deep=False) if entry.path == name]
        except StorageError as error:
            raise missing(self._shown) if error.code == "not_found" else error from error
        if not files:
            raise missing(self._shown)
        return files

    def open(self, entry: Entry, start: int, stop: int | None) -> Body:
        """Open a range of a file."""
        asked = {f"x-ms-{name.lower()}": value for name, value in byte_range(start, stop).items()}
        return self._client.get(*self._request(entry.key, {}, asked)).body()

    def _walk(self, folder: str, below: str, depth: int, *, deep: bool = True) -> Iterator[Entry]:
        if depth > DEEPEST:
            raise StorageError(
                "too_large", f"{self._shown} has folders deeper than {DEEPEST}.", "Name a folder below."
            )
        for item in self._items(folder):
            name = _name(item)
            path, key = f"{below}{name}", f"{folder}/{name}".lstrip("/")
            if item.tag == "File":
                size = item.findtext("Properties/Content-Length")
                version = item.findtext("Properties/Etag")
                yield Entry(path, int(size) if size else None, version, key)
            elif item.tag == "Directory" and deep:
                keys.safe_path(path)  # before it is asked for
                yield from self._walk(key, f"{path}/", depth + 1)

    def _items(self, folder: str) -> Iterator[Element]:
        """Yield files and folders of one folder, page by page."""
        marker: str | None = ""
        while marker is not None:
            page = retrying(partial(self._listing, folder, marker), self._settings)
            yield from page.findall("Entries/*")
            marker = page.findtext("NextMarker") or None

    def _listing(self, folder: str, marker: str) -> Element:
        query = {"restype": "directory", "comp": "list", "include": "Etag"}
        if marker:
            query["marker"] = marker
        content = self._client.get(*self._request(folder, query, {})).read()
        try:
            return fromstring(content)
        except ParseError as error:
            raise StorageError(
                "server_error",
                f"{self._shown} answers with something that is no listing.",
                "Check that the address is that of a file share.",
            ) from error

    def _request(
        self, path: str, query: dict[str, str], headers: dict[str, str]
    ) -> tuple[str, dict[str, str]]:
        url = f"{self._endpoint}/{quote(self._share)}" + (f"/{quote(path)}" if path else "")
        return self._access.request(url, query, headers)


class _Access:
    """Signs requests with the account's key, or adds its SAS to them."""

    def __init__(self, account: str, sas: str, key: str) -> None:
        self._account = account
        self._sas = sas
        self.key = key

    def request(self, url: str, query: dict[str, str], headers: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Return the URL to ask and the headers to send."""
        sent = {**headers, "x-ms-version": VERSION}
        if self._sas:
            return f"{url}?{urlencode([*parse_qsl(self._sas), *query.items()], quote_via=quote)}", sent
        sent["x-ms-date"] = formatdate(usegmt=True)
        sent["Authorization"] = f"SharedKey {self._account}:{self._signature(url, query, sent)}"
        return f"{url}?{urlencode(query, quote_via=quote)}" if query else url, sent

    def _signature(self, url: str, query: dict[str, str], sent: dict[str, str]) -> str:
        resource = f"/{self._account}{urlsplit(url).path}"
        lines = [
            *("GET", *[""] * UNSENT),
            *(f"{name}:{sent[name]}" for name in sorted(sent) if name.startswith("x-ms-")),
            *(resource, *(f"{name}:{query[name]}" for name in sorted(query))),
        ]
        try:
            secret = base64.b64decode(self.key, validate=True)
        except binascii.Error as error:
            raise StorageError(
                "wrong_credentials",
                "AZURE_STORAGE_ACCESS_KEY is no access key: it is not base64.",
                "Copy one of the account's two keys.",
            ) from error
        return base64.b64encode(hmac.new(secret, "\n".join(lines).encode(), hashlib.sha256).digest()).decode()


def _name(item: Element) -> str:
    """Return a file's name; one that XML can't hold comes percent-encoded."""
    name = item.find("Name")
    text = (name.text if name is not None else "") or ""
    return unquote(text) if name is not None and name.get("Encoded") == "true" else text
