"""http(s)://host/path: one file, whatever Content-Type the server gives it."""

import json
import os
import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from kserve_lite_server.storage import network
from kserve_lite_server.storage.errors import StorageError, Transient
from kserve_lite_server.storage.http import Answer, Client, HttpSource
from kserve_lite_server.storage.retry import retrying
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Body, Entry
from kserve_lite_server.storage.uri import Location

FILE_NAME = re.compile(
    r"""filename\*=(?:UTF-8'')(?P<encoded>[^;]+)|filename="?(?P<plain>[^";]+)"?""", re.IGNORECASE
)


def open_source(location: Location, settings: Settings) -> "WebSource":
    """Return the source for one address."""
    parts = urlsplit(location.address)
    if not parts.hostname:
        raise StorageError("bad_uri", f"{location.shown} names no host.", "Write https://host/path.")
    if parts.username or parts.password:
        raise StorageError(
            "secret_in_uri",
            f"{location.shown} was given with a user and password in it, where everybody can read them.",
            f'Put them into the environment variable {parts.hostname}-headers, as {{"Authorization": "Basic …"}}.',
        )
    return WebSource(location, Client(settings), headers(parts.hostname, os.environ), settings)


def headers(host: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that `HOST-headers` holds as a JSON object, the way upstream's Secrets give them."""
    text = environment.get(f"{host}-headers") or "{}"
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise StorageError(
            "bad_setting",
            f"The environment variable {host}-headers is not a JSON object.",
            'Write it as {"Authorization": "Bearer …"}.',
        )
    return {str(name): str(value) for name, value in document.items()}


class WebSource(HttpSource):
    """The file at one address."""

    def __init__(
        self, location: Location, client: Client, headers: Mapping[str, str], settings: Settings
    ) -> None:
        self._location = location
        self._client = client
        self._headers = dict(headers)
        self._settings = settings

    def entries(self) -> list[Entry]:
        """Ask for one byte, since a signed address is often good for GET alone, and take size and version from that."""
        return [retrying(self._look, self._settings)]

    def open(self, entry: Entry, start: int, stop: int | None) -> Body:
        """Open a range, and see to it that it is of the file that was looked at."""
        answer = self._client.get(self._location.address, self._headers | byte_range(start, stop))
        if (answer.version, answer.size) != (entry.version, entry.size) and entry.version:
            answer.close()
            raise network.changed(self._location.shown)
        if entry.size is not None and answer.size != entry.size:
            answer.close()
            raise Transient(network.changed(self._location.shown))
        return answer.body()

    def _look(self) -> Entry:
        # 416: there is no first byte, the file is empty.
        answer = self._client.get(self._location.address, self._headers | byte_range(0, 1), accept=(416,))
        answer.close()
        size = 0 if answer.status == 416 else answer.size
        return Entry(_name(self._location, answer), size, answer.version)


def byte_range(start: int, stop: int | None) -> dict[str, str]:
    """Return the header that asks for `[start, stop)`."""
    return {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"}


def _name(location: Location, answer: Answer) -> str:
    """Name the file as the server says, else by the last part of the address; the name tells what it is."""
    if found := FILE_NAME.search(answer.headers.get("Content-Disposition", "")):
        return unquote(found["encoded"]) if found["encoded"] else found["plain"]
    name = unquote(urlsplit(location.address).path.rstrip("/").rpartition("/")[2])
    if not name:
        raise StorageError(
            "bad_uri",
            f"{location.shown} names no file.",
            "Give the address of a file; a folder on a web server can't be listed, so pack it as .tar.gz.",
        )
    return name
