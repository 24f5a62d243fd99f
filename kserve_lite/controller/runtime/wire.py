"""HTTP to one API server; the only importer of an HTTP client in the runtime."""

from __future__ import annotations

import os
from asyncio import sslproto
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from kserve_lite.controller.runtime.errors import ConnectionLost, NoAccess
from kserve_lite.controller.runtime.kubeconfig import Access

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0  # between two pieces of an answer
_PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS)
_PRODUCT = "kserve-lite"

# A buffer that asyncio fills with zeros for every connection: 256 KiB are 10 MB of an idle controller, and what a watch
# or a reconcile reads fits into this.
sslproto.SSLProtocol.max_size = 32 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, the whole body, and how long to wait if the server said so."""

    status: int
    body: bytes
    retry_after: float | None = None


@dataclass
class Wire:
    """Connections to one server, made when they are first used and kept."""

    access: Access
    _session: aiohttp.ClientSession | None = None
    _proxy: str | None = field(init=False)

    def __post_init__(self) -> None:
        self._proxy = self.access.proxy or _proxy_of(self.access.server)
        if self._proxy is not None and not self._proxy.startswith(("http://", "https://")):
            raise NoAccess(f"the proxy {self._proxy} is not supported; one that speaks HTTP is")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Send one request and read the answer, whatever its status.

        Raises `ConnectionLost`, `TimeoutError`, and `NoAccess` where the credentials cannot be had.
        """
        sent = {"Content-Type": content_type} if body is not None else {}
        async with self._asked(method, path, params, body, sent, _PATIENCE) as answer:
            return await _whole(answer)

    @asynccontextmanager
    async def stream(
        self, path: str, params: Mapping[str, str], silence: float
    ) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        """GET something that the server writes line by line; the lines end with it, or after so much silence.

        What it refuses has its body in the answer, and no lines.
        """
        patience = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence)
        async with self._asked("GET", path, params, None, {}, patience) as answer:
            if answer.status >= 400:
                yield await _whole(answer), _lines(answer.content)  # which has been read to its end
            else:
                yield Answer(answer.status, b""), _lines(answer.content)

    @asynccontextmanager
    async def _asked(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: bytes | None,
        headers: dict[str, str],
        patience: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send it; what is refused for want of fresh credentials is sent once more."""
        session = self._session or self._opened()
        query = f"?{urlencode(params)}" if params else ""
        url = URL(f"{self.access.server}/{quote(path, safe='/:')}{query}", encoded=True)
        known = await self.access.credentials.header()
        try:
            while True:
                if known is not None:
                    headers["Authorization"] = known
                async with session.request(
                    method,
                    url,
                    data=body,
                    headers=headers,
                    timeout=patience,
                    allow_redirects=False,
                    server_hostname=self.access.server_name,
                    proxy=self._proxy,
                ) as answer:
                    if answer.status == 401:
                        known = await self.access.credentials.renew(known)
                        if known is not None:
                            continue
                    try:
                        yield answer
                    finally:
                        _cut(answer)
                    return
        except TimeoutError as error:
            raise TimeoutError(f"{self.access.server} did not answer in time") from error
        except aiohttp.ClientError as error:
            raise ConnectionLost(f"{self.access.server}: {_sentence(error)}") from error

    def _opened(self) -> aiohttp.ClientSession:
        """Open no more than once, and inside the loop that will use it."""
        self._session = session = aiohttp.ClientSession(
            # A watch holds a connection of its own: a limit would starve requests where many namespaces are watched.
            connector=aiohttp.TCPConnector(limit=0, ssl=self.access.trust or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            # Compressing costs the API server and us more than it saves in one network.
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": _PRODUCT},
        )
        return session


async def _whole(answer: aiohttp.ClientResponse) -> Answer:
    body = await answer.read()
    wait = answer.headers.get("Retry-After", "")
    return Answer(answer.status, body, float(wait) if wait.isdigit() else None)


def _cut(answer: aiohttp.ClientResponse) -> None:
    """End the connection of an answer that was not read to its end: a farewell of TLS would outlive the loop."""
    if answer.connection is not None and answer.connection.transport is not None:
        answer.connection.transport.abort()


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length; the last one may lack its end."""
    rest = b""
    try:
        async for chunk in content.iter_any():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line
    except aiohttp.ServerTimeoutError:
        return  # silence
    if rest:
        yield rest


def _proxy_of(server: str) -> str | None:
    """Return the proxy that the environment names for the server (`HTTPS_PROXY`, `NO_PROXY`)."""
    parts = urlsplit(server)
    if proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme)


def _sentence(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno or 0
        # The event loop's own words for a refused connection name the address again, and not the refusal.
        said = os.strerror(number) if number > 0 else error.os_error.strerror or str(error.os_error)
        return f"cannot be reached: {said}"
    return str(error) or type(error).__name__
