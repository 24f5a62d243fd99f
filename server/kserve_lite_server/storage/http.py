"""An HTTP client for large files: ranges, redirects that take no secret along, and errors in our words.

urllib3 keeps the connections, speaks to proxies and checks lengths; what is ours is which headers follow a redirect.
"""

import os
import re
import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from time import time
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import urllib3
from urllib3 import exceptions

from kserve_lite_server.storage import network
from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Body, Chunk, Source
from kserve_lite_server.storage.uri import shown

CHUNK = 256 << 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 10
MAX_DOCUMENT = 64 << 20  # of what is read into memory: indexes, listings
HARMLESS = frozenset({"range", "accept", "accept-encoding", "user-agent"})


class Answer:
    """A response whose body isn't read yet."""

    def __init__(self, url: str, response: urllib3.BaseHTTPResponse, client: "Client") -> None:
        self.url = url
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self._client = client

    @property
    def version(self) -> str | None:
        """What changes when the content does: a strong ETag, or when it was last modified."""
        tag = self.headers.get("ETag")
        return tag if tag and not tag.startswith("W/") else self.headers.get("Last-Modified")

    @property
    def size(self) -> int | None:
        """The size of the whole file, as far as the server tells."""
        name = "Content-Range" if self.status == 206 else "Content-Length"
        size = self.headers.get(name, "").rpartition("/")[2]
        return int(size) if size.isdecimal() else None

    @property
    def start(self) -> int:
        """The offset of the first byte of the body: 0 when the server ignored the range."""
        found = re.match(r"bytes (\d+)-", self.headers.get("Content-Range", ""))
        return int(found[1]) if self.status == 206 and found else 0

    @property
    def stop(self) -> int | None:
        """The offset after the last byte of the body."""
        found = re.match(r"bytes \d+-(\d+)", self.headers.get("Content-Range", ""))
        return int(found[1]) + 1 if self.status == 206 and found else self.size

    def body(self) -> Body:
        """Return the bytes; when they are read to the end, the connection is kept for the next request."""
        return Body(self.start, self.stop, self._chunks(), self.close)

    def read(self) -> bytes:
        """Return the whole body, of a document that is small by its nature."""
        content = bytearray()
        try:
            for chunk in self._chunks():
                content += chunk
                if len(content) > MAX_DOCUMENT:
                    raise StorageError(
                        "too_large",
                        f"{shown(self.url)} answers with more than {MAX_DOCUMENT} bytes where little is expected.",
                        "Check that the address is right.",
                    )
        finally:
            self.close()
        return bytes(content)

    def close(self) -> None:
        """Give the connection back when the body was read out, else drop it."""
        if self._response.closed:
            self._response.release_conn()
        else:
            self._response.close()

    def _chunks(self) -> Iterator[Chunk]:
        with self._client.translating(self.url):
            yield from self._response.stream(CHUNK, decode_content=False)


class Client:
    """The requests of one source; safe to use from threads."""

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str] = os.environ,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._connect = settings.connect
        self._stall = settings.stall
        self._proxies = getproxies_environment()
        self._context = context or ssl.create_default_context()
        if bundle := network.ca_bundle(environment):
            self._context.load_verify_locations(bundle)
        self._connections = settings.connections
        self._pools: dict[str | None, urllib3.PoolManager] = {}

    def get(self, url: str, headers: Mapping[str, str] | None = None, accept: Collection[int] = ()) -> Answer:
        """Return the answer to a GET, after redirects; an error status is raised unless it is in `accept`."""
        sent = {"User-Agent": "kserve-lite-storage", "Accept-Encoding": "identity", **(headers or {})}
        for _ in range(MAX_REDIRECTS):
            answer = self._ask(url, sent)
            if answer.status not in REDIRECTS:
                return self._checked(answer, accept)
            answer.close()
            target = urljoin(url, answer.headers.get("Location", ""))
            url, sent = target, _headers_for(target, url, sent)
        raise StorageError(
            "too_many_redirects",
            f"{shown(url)} redirects more than {MAX_REDIRECTS} times.",
            "Give the address at which the file is.",
        )

    def close(self) -> None:
        """Close the connections that are kept."""
        for pool in self._pools.values():
            pool.clear()

    @contextmanager
    def translating(self, url: str) -> Iterator[None]:
        """Turn what urllib3 raises into errors that name the server and hide the query."""
        where = shown(url)
        try:
            yield
        except exceptions.NameResolutionError as error:
            raise network.unreachable(where, "its name is not known") from error
        except exceptions.NewConnectionError as error:
            raise network.unreachable(where, "the connection is refused") from error
        except (exceptions.ConnectTimeoutError, exceptions.ReadTimeoutError) as error:
            raise network.stalled(where, self._stall) from error
        except (exceptions.SSLError, ssl.SSLError) as error:
            if found := re.search(r"certificate verify failed: ([^(]+)", str(error)):
                raise network.untrusted(where, found[1].strip()) from error
            raise network.unreachable(where, "the encrypted connection broke") from error
        except exceptions.ProxyError as error:
            raise network.unreachable(where, "the proxy does not let it through") from error
        except exceptions.LocationParseError as error:
            raise StorageError("bad_uri", f"{where} is no http address.", "Correct the address.") from error
        except (exceptions.HTTPError, OSError) as error:
            raise network.unreachable(where, "the connection broke") from error

    def pool(self, url: str) -> urllib3.PoolManager:
        """Return the connections to use for `url`: direct, or through the proxy that the environment names."""
        parts = urlsplit(url)
        proxy = self._proxies.get(parts.scheme)
        if proxy and proxy_bypass_environment(parts.netloc, self._proxies):
            proxy = None
        if proxy not in self._pools:
            self._pools[proxy] = self._new_pool(proxy)
        return self._pools[proxy]

    def _ask(self, url: str, headers: Mapping[str, str]) -> Answer:
        if urlsplit(url).scheme not in ("http", "https"):
            raise StorageError("bad_uri", f"{shown(url)} is no http address.", "Give an http(s) address.")
        with self.translating(url):
            response = self.pool(url).request(
                "GET", url, headers=headers, redirect=False, retries=False, preload_content=False
            )
        return Answer(url, response, self)

    def _checked(self, answer: Answer, accept: Collection[int]) -> Answer:
        if answer.status // 100 == 2 or answer.status in accept:
            return answer
        answer.close()
        after = _seconds(answer.headers.get("Retry-After"))
        detail = answer.headers.get("x-ms-error-code", "")  # Azure says 403 to a wrong signature as well
        status = 401 if detail in network.CREDENTIAL_CODES else answer.status
        raise network.status_error(status, shown(answer.url), detail, retry_after=after)

    def _new_pool(self, proxy: str | None) -> urllib3.PoolManager:
        timeout = urllib3.Timeout(connect=self._connect, read=self._stall)
        if proxy is None:
            return urllib3.PoolManager(maxsize=self._connections, ssl_context=self._context, timeout=timeout)
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
        return urllib3.ProxyManager(
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            proxy_headers=urllib3.make_headers(proxy_basic_auth=user) if user else None,
            maxsize=self._connections,
            ssl_context=self._context,
            timeout=timeout,
        )


class HttpSource(Source):
    """A source that asks through a client of its own."""

    _client: Client

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _headers_for(target: str, origin: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers to send on: to another host, or from https to http, only harmless ones."""
    one, other = urlsplit(origin), urlsplit(target)
    if one.netloc == other.netloc and (one.scheme == other.scheme or other.scheme == "https"):
        return dict(headers)
    return {name: value for name, value in headers.items() if name.lower() in HARMLESS}


def _seconds(retry_after: str | None) -> float | None:
    """Read a Retry-After header: seconds, or a date."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time())
    except ValueError:
        return None
