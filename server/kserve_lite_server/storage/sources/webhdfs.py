"""webhdfs:// and hdfs://: a file or folder of HDFS, over the REST interface that every distribution has."""

import json
import os
import ssl
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import quote, urlencode, urlsplit

from kserve_lite_server.storage.errors import StorageError, missing
from kserve_lite_server.storage.http import Client, HttpSource
from kserve_lite_server.storage.retry import retrying
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Body, Entry
from kserve_lite_server.storage.storage_config import store_entry
from kserve_lite_server.storage.uri import Location

SECRETS = Path("/var/secrets/kserve-hdfscreds")  # where a pod mounts the Secret that upstream describes
DEEPEST = 50
KNOWN = (
    "HDFS_NAMENODE", "HDFS_ROOTPATH", "USER_PROXY", "HEADERS", "KERBEROS_PRINCIPAL", "KERBEROS_KEYTAB", "TLS_CA",
    "TLS_CERT", "TLS_KEY", "TLS_SKIP_VERIFY", "HDFS_DELEGATION_TOKEN", "HADOOP_USER_NAME",
)  # fmt: skip


def open_source(location: Location, settings: Settings) -> "HdfsSource":
    """Return the source for a path; the name node is in the Secret, the environment or, with a port, the URI."""
    given = _configuration(location)
    if given.get("KERBEROS_PRINCIPAL") or given.get("KERBEROS_KEYTAB"):
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
        self._client = Client(settings, context=_context(given))
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


def _context(given: dict[str, str]) -> ssl.SSLContext:
    """Return what TLS shows and trusts: TLS_CERT with TLS_KEY, TLS_CA beside the system's, or nobody checked."""
    context = ssl.create_default_context()
    try:
        if authorities := given.get("TLS_CA"):
            context.load_verify_locations(cadata=_pem(authorities))
        if certificate := given.get("TLS_CERT"):
            with NamedTemporaryFile("w", suffix=".pem") as file:  # the key comes first; 0600, gone at once
                file.write(f"{_pem(given.get('TLS_KEY', ''))}\n{_pem(certificate)}\n")
                file.flush()
                context.load_cert_chain(file.name)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise StorageError(
            "bad_setting",
            "TLS_CA, TLS_CERT or TLS_KEY of the HDFS Secret can't be read.",
            "Give each as PEM: -----BEGIN CERTIFICATE-----, or BEGIN PRIVATE KEY.",
        ) from error
    if given.get("TLS_SKIP_VERIFY", "").lower() in ("1", "true"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _pem(text: str) -> str:
    """Return PEM as it is, from the file that is named, or out of base64, as upstream's JSON entries hold it."""
    if text.startswith("/"):
        return Path(text).read_text()
    return text if "-----BEGIN" in text else b64decode(text, validate=True).decode()


def _configuration(location: Location) -> dict[str, str]:
    """Read the Secret's files, below the storage entry, below the environment's variables of the same names."""
    folder = Path(os.environ.get("HDFS_SECRET_DIR", SECRETS))
    files = {name: (folder / name).read_text().strip() for name in KNOWN if (folder / name).is_file()}
    store = store_entry(os.environ, location.store)
    stored = store if store.get("type") in ("hdfs", "webhdfs") else {}
    given = {name: os.environ[name] for name in KNOWN if os.environ.get(name)}
    return {name: value for name, value in {**files, **stored, **given}.items() if value}
