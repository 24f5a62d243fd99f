"""webhdfs:// and hdfs://: a file or folder of HDFS, over the REST interface that every distribution has."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from kserve_lite_server.storage.errors import StorageError, missing
from kserve_lite_server.storage.http import Client, HttpSource
from kserve_lite_server.storage.retry import retrying
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Body, Entry
from kserve_lite_server.storage.uri import Location

SECRETS = Path("/var/secrets/kserve-hdfscreds")  # where a pod mounts the Secret that upstream describes
DEEPEST = 50


def open_source(location: Location, settings: Settings) -> "HdfsSource":
    """Return the source for a path; the name node is in the Secret, the environment or, with a port, the URI."""
    given = _configuration()
    if given.get("KERBEROS_PRINCIPAL"):
        raise StorageError(
            "unsupported_setting",
            f"{location.shown} asks for Kerberos, which this version doesn't speak.",
            "Use a delegation token (HDFS_DELEGATION_TOKEN), or a Knox gateway with HEADERS.",
        )
    parts = urlsplit(location.address)
    path = parts.path
    if given.get("HDFS_NAMENODE"):
        address = given["HDFS_NAMENODE"]
        path = f"/{parts.netloc}{parts.path}"  # upstream: what follows the scheme is the path
    elif parts.port and location.scheme == "webhdfs":
        address = f"http://{parts.netloc}"
    else:
        raise StorageError(
            "bad_setting",
            f"{location.shown} names no name node.",
            "Set HDFS_NAMENODE to its HTTP address, or write webhdfs://HOST:PORT/path.",
        )
    root = given.get("HDFS_ROOTPATH", "").rstrip("/")
    return HdfsSource(address.rstrip("/"), root + path.rstrip("/"), given, location.shown, settings)


class HdfsSource(HttpSource):
    """A file or a folder, asked from the name node, read from the data nodes it redirects to."""

    def __init__(
        self, address: str, path: str, given: dict[str, str], shown: str, settings: Settings
    ) -> None:
        self._address = address
        self._path = path
        self._shown = shown
        self._settings = settings
        environment = {**os.environ}
        if bundle := given.get("TLS_CA"):
            environment["SSL_CERT_FILE"] = bundle
        self._client = Client(settings, environment)
        self._headers = _headers(given)
        self._query = {}
        if token := given.get("HDFS_DELEGATION_TOKEN"):
            self._query["delegation"] = token
        elif user := given.get("USER_PROXY") or given.get("HADOOP_USER_NAME"):
            self._query["user.name"] = user

    def entries(self) -> list[Entry]:
        """Walk the folder; links are left out, since HDFS would follow them anywhere."""
        try:
            status = self._ask(self._path, "GETFILESTATUS")["FileStatus"]
        except StorageError as error:
            raise missing(self._shown) if error.code == "not_found" else error from error
        if status["type"] == "FILE":
            return [self._entry(self._path.rpartition("/")[2], self._path, status)]
        return list(self._walk("", 0))

    def open(self, entry: Entry, start: int, stop: int | None) -> Body:
        """Open a file at an offset."""
        query = {"op": "OPEN", "offset": str(start), **self._query}
        if stop is not None:
            query["length"] = str(stop - start)
        answer = self._client.get(self._url(entry.key, query), self._headers)
        return Body(
            start, None if answer.size is None else start + answer.size, answer.body().chunks, answer.close
        )

    def _walk(self, below: str, depth: int) -> Iterator[Entry]:
        if depth > DEEPEST:
            raise StorageError(
                "too_large", f"{self._shown} has folders deeper than {DEEPEST}.", "Name a folder below."
            )
        for status in self._ask(f"{self._path}{below}", "LISTSTATUS")["FileStatuses"]["FileStatus"]:
            name = f"{below}/{status['pathSuffix']}"
            if status["type"] == "DIRECTORY":
                yield from self._walk(name, depth + 1)
            elif status["type"] == "FILE":
                yield self._entry(name[1:], f"{self._path}{name}", status)

    def _entry(self, path: str, key: str, status: dict[str, object]) -> Entry:
        return Entry(path, int(str(status["length"])), f"{status['modificationTime']}", key)

    def _ask(self, path: str, operation: str):  # type: ignore[no-untyped-def]
        url = self._url(path, {"op": operation, **self._query})
        return retrying(lambda: json.loads(self._client.get(url, self._headers).read()), self._settings)

    def _url(self, path: str, query: dict[str, str]) -> str:
        return f"{self._address}/webhdfs/v1{quote(path)}?{urlencode(query)}"


def _headers(given: dict[str, str]) -> dict[str, str]:
    try:
        headers = json.loads(given.get("HEADERS") or "{}")
    except ValueError:
        headers = None
    if not isinstance(headers, dict):
        raise StorageError(
            "bad_setting", "HEADERS of the HDFS Secret is not a JSON object.", "Correct the Secret."
        )
    return {str(name): str(value) for name, value in headers.items()}


def _configuration() -> dict[str, str]:
    """Read the Secret's files, under the environment's variables of the same names."""
    known = (
        "HDFS_NAMENODE", "HDFS_ROOTPATH", "USER_PROXY", "HEADERS", "KERBEROS_PRINCIPAL", "TLS_CA",
        "HDFS_DELEGATION_TOKEN", "HADOOP_USER_NAME",
    )  # fmt: skip
    folder = Path(os.environ.get("HDFS_SECRET_DIR", SECRETS))
    given = {}
    for name in known:
        file = folder / name
        if name in os.environ:
            given[name] = os.environ[name]
        elif file.is_file():
            given[name] = str(file) if name == "TLS_CA" else file.read_text().strip()
    return given
