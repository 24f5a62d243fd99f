"""The front door on this machine: one port for all services, as Ingress and Services are in a cluster.

A request is handed through as it is, streamed both ways, its body neither limited nor decoded: what a service may
receive is its server's decision.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from kserve_lite.local.route import Refusal, Route, bare, choose

# RFC 9110, 7.6.1: these speak of one connection, not of the message.
_HOP_BY_HOP = ("Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE",
               "Trailer", "Transfer-Encoding", "Upgrade")  # fmt: skip
# aiohttp's client would add these on its own.
_NOT_OURS_TO_ADD = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
# Below the 5 s after which servers usually close an idle connection: a closing one is never picked for a request.
_IDLE_SECONDS = 2.0


class Backend:
    """One running version of a service, and whether it is answering requests."""

    def __init__(
        self, url: URL, timeout: float | None = None, choose: Callable[[str, str], URL] | None = None
    ) -> None:
        """Requests go to `url`, or to what `choose(host, path)` says, and get `timeout` seconds (None: any time)."""
        self.url = url
        self.timeout = timeout
        self.choose = choose or (lambda host, path: self.url)
        self.idle = asyncio.Event()
        self.idle.set()
        self._in_flight = 0

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Count one request."""
        self._in_flight += 1
        self.idle.clear()
        try:
            yield
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self.idle.set()


@dataclass(frozen=True)
class Unavailable:
    """A service that cannot answer now, and why."""

    code: str
    message: str


class Gateway:
    """Routes by Host or model name to whatever `lookup` says stands behind a service at that moment."""

    def __init__(
        self, routes: Callable[[], list[Route]], lookup: Callable[[str], Backend | Unavailable]
    ) -> None:
        """Ask `routes` and `lookup(key)` anew for each request: services come, go and change while it runs."""
        self._routes = routes
        self._lookup = lookup
        self._client: aiohttp.ClientSession
        self._runner: web.ServerRunner

    @contextlib.asynccontextmanager
    async def listening(self, addresses: list[str], port: int) -> AsyncIterator[None]:
        """Answer on `port` of every address. Raises OSError when one of them is taken."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS)
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            auto_decompress=False,
            skip_auto_headers=_NOT_OURS_TO_ADD,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=65536,
            max_field_size=65536,
        ) as self._client:
            server = web.Server(self._answer, handler_cancellation=True, auto_decompress=False, access_log=None,
                                max_line_size=65536, max_field_size=65536)  # fmt: skip
            self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
            await self._runner.setup()
            try:
                for address in addresses:
                    await web.TCPSite(self._runner, address, port).start()
                yield
            finally:
                await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        routes = self._routes()
        if (
            request.path == "/"
            and request.method in {"GET", "HEAD"}
            and len(routes) != 1
            and _is_plain(request, routes)
        ):
            return _reply(
                200,
                {"services": {route.key: _described(route) for route in routes}},
            )
        chosen = choose(routes, request.headers.get(hdrs.HOST, ""), request.rel_url.raw_path)
        if isinstance(chosen, Refusal):
            return _error(chosen.status, chosen.code, chosen.message)
        backend = self._lookup(chosen.key)
        if isinstance(backend, Unavailable):
            return _error(503, backend.code, backend.message, {"Retry-After": "1"})
        with backend.answering():
            return await self._forward(request, chosen, backend)

    async def _forward(self, request: web.BaseRequest, route: Route, backend: Backend) -> web.StreamResponse:
        response: web.StreamResponse | None = None
        target = backend.choose(bare(request.headers.get(hdrs.HOST, "")), request.path)
        try:
            async with asyncio.timeout(backend.timeout):
                await _say_continue(request)
                async with self._client.request(
                    request.method,
                    target.join(URL(request.raw_path, encoded=True)),
                    headers=_request_headers(request),
                    data=_body(request),
                    allow_redirects=False,
                ) as answer:
                    response = web.StreamResponse(
                        status=answer.status, reason=answer.reason, headers=_end_to_end(answer.headers)
                    )
                    await response.prepare(request)
                    async for chunk in answer.content.iter_any():
                        await response.write(chunk)
                    await response.write_eof()
                    return response
        except TimeoutError:
            problem = _error(
                504, "timeout", f"{route.key} did not answer within its timeout of {backend.timeout:g} s."
            )
        except aiohttp.ClientConnectorError as error:
            problem = _error(
                503,
                "unavailable",
                f"{route.key} is not running at the moment: {error.strerror or error}.",
                {"Retry-After": "1"},
            )
        except aiohttp.ClientError as error:
            problem = _error(
                502,
                "bad_gateway",
                f"{route.key} broke off while answering ({type(error).__name__}); its log says why.",
            )
        if response is not None and response.prepared:
            # Half an answer is out: only a broken connection tells the client that it is not whole.
            if request.transport is not None:
                request.transport.abort()
            return response
        return problem


def _described(route: Route) -> dict[str, object]:
    models = {"models": route.models} if route.models else {"model": route.model}
    return {**models, "host": route.hosts[0]}


def _is_plain(request: web.BaseRequest, routes: list[Route]) -> bool:
    return isinstance(choose(routes, request.headers.get(hdrs.HOST, ""), "/"), Refusal)


async def _say_continue(request: web.BaseRequest) -> None:
    """Ask a client for the body that it holds back (curl does so above 1 MB)."""
    if (
        request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"
        and request.version == aiohttp.HttpVersion11
    ):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer proper has not begun


def _body(request: web.BaseRequest) -> AsyncIterator[bytes] | None:
    return request.content.iter_any() if request.body_exists else None


def _request_headers(request: web.BaseRequest) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers)
    headers.popall(hdrs.EXPECT, None)  # answered here
    if hdrs.CONTENT_LENGTH in headers and not request.body_exists and request.method in {"GET", "HEAD"}:
        del headers[hdrs.CONTENT_LENGTH]
    peer = request.remote or "unknown"
    headers["X-Forwarded-For"] = ", ".join([*headers.popall("X-Forwarded-For", []), peer])
    headers.setdefault("X-Forwarded-Proto", request.scheme)
    return headers


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Return a message's headers without those that end at this connection, the ones that Connection lists included."""
    kept = CIMultiDict(headers)
    listed = [name.strip() for value in kept.getall(hdrs.CONNECTION, []) for name in value.split(",")]
    for name in {*_HOP_BY_HOP, *filter(None, listed)}:
        kept.popall(name, None)
    return kept


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return _reply(status, {"error": message, "code": code}, headers)


def _reply(status: int, body: object, headers: Mapping[str, str] | None = None) -> web.Response:
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)
