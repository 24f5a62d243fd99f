"""Asking a model server over REST: pooled connections, a bound for time and size, errors with the step's name."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from kserve_lite_server.protocol.v2 import JSON_LENGTH
from kserve_lite_server.sdk import steps
from kserve_lite_server.sdk.config import PredictorProtocol, protocol_name
from kserve_lite_server.sdk.deadline import remaining
from kserve_lite_server.sdk.errors import InvalidInput, UnsupportedProtocol
from kserve_lite_server.sdk.messages import InferRequest, InferResponse
from kserve_lite_server.sdk.steps import StepError

# Below the 5 s after which servers usually close an idle connection: a closing one is never picked for a request.
IDLE_SECONDS = 4.0
FIRST_PAUSE = 0.05  # between tries, doubled each time
LARGEST_ANSWER = 256 * 1024 * 1024
DEFAULT: Any = object()  # the configuration's own time


class RESTConfig:
    """How to ask. `retries` are for connections that never came about; `timeout` is for the whole of a request."""

    def __init__(
        self,
        transport: None = None,
        protocol: str | PredictorProtocol = "v1",
        retries: int = 3,
        http2: bool = False,
        timeout: float | None = 60,
        cert: str | tuple[str, ...] | None = None,
        verify: str | bool | ssl.SSLContext = True,
        auth: tuple[str, str] | None = None,
        verbose: bool = False,
    ) -> None:
        """Raises `UnsupportedProtocol`, and `ValueError` for what belongs to another HTTP library."""
        if transport is not None or http2:
            raise ValueError(
                "transport and http2 are httpx's; this client speaks HTTP/1.1 over its own connections"
            )
        try:
            self.protocol = protocol_name(protocol)
        except ValueError:
            raise UnsupportedProtocol(protocol) from None
        self.retries, self.timeout, self.verbose = retries, timeout, verbose
        self.cert, self.verify, self.auth = cert, verify, auth

    def tls(self) -> ssl.SSLContext | bool:
        """What aiohttp takes for `ssl`."""
        if isinstance(self.verify, ssl.SSLContext):
            return self.verify
        context = ssl.create_default_context(cafile=self.verify if isinstance(self.verify, str) else None)
        if self.verify is False:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.cert:
            context.load_cert_chain(*([self.cert] if isinstance(self.cert, str) else self.cert))
        return context


class InferenceRESTClient:
    """A client of V1 or V2 servers; `step` is what its errors call the server."""

    def __init__(self, config: RESTConfig | None = None, *, step: str = "predictor") -> None:
        """Connections are opened by the first request of an event loop."""
        self._config = config or RESTConfig()
        self._step = step
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def infer(
        self,
        base_url: str,
        data: InferRequest | dict[str, Any] | bytes,
        model_name: str | None = None,
        headers: Mapping[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
        is_graph_endpoint: bool = False,
        timeout: float | None = DEFAULT,
    ) -> Any:
        """The prediction: a dict over V1, an `InferResponse` over V2. Raises `StepError`."""
        version2 = self._config.protocol == "v2"
        if is_graph_endpoint:
            url = base_url
        elif model_name is None:
            raise ValueError("model_name must be given, or is_graph_endpoint be true")
        elif self._config.protocol == "grpc-v2":
            raise UnsupportedProtocol(self._config.protocol)
        else:
            name = quote(model_name, safe="")
            path = f"v2/models/{name}/infer" if version2 else f"v1/models/{name}:predict"
            url = f"{base_url.rstrip('/')}/{path}"
        body, own = encoded(data)
        status, answered, body = await self.post(
            url, body, {**own, **_lower(headers)} | _binary(own), timeout
        )
        if response_headers is not None:
            response_headers.update(answered)
        try:
            if version2 and not is_graph_endpoint:
                return InferResponse.from_bytes(body, int(answered.get(JSON_LENGTH, len(body))))
            return orjson.loads(body)
        except (InvalidInput, ValueError) as error:
            raise steps.broken(self._step, _host(url), f"status {status}, {error}") from None

    async def explain(
        self,
        base_url: str,
        model_name: str,
        data: InferRequest | dict[str, Any],
        headers: Mapping[str, str] | None = None,
        timeout: float | None = DEFAULT,
    ) -> Any:
        """The explanation: a dict over V1, an `InferResponse` over V2. Raises `StepError`."""
        version2 = isinstance(data, InferRequest)
        name = quote(model_name, safe="")
        path = f"v2/models/{name}/explain" if version2 else f"v1/models/{name}:explain"
        url = f"{base_url.rstrip('/')}/{path}"
        body, own = encoded(data)
        status, answered, body = await self.post(
            url, body, {**own, **_lower(headers)} | _binary(own), timeout
        )
        try:
            if version2:
                return InferResponse.from_bytes(body, int(answered.get(JSON_LENGTH, len(body))))
            return orjson.loads(body)
        except (InvalidInput, ValueError) as error:
            raise steps.broken(self._step, _host(url), f"status {status}, {error}") from None

    async def is_server_ready(
        self, base_url: str, headers: Mapping[str, str] | None = None, timeout: float | None = DEFAULT
    ) -> bool:
        """Whether all its models answer (V2 only)."""
        return await self._says(f"{base_url.rstrip('/')}/v2/health/ready", headers, timeout)

    async def is_server_live(
        self, base_url: str, headers: Mapping[str, str] | None = None, timeout: float | None = DEFAULT
    ) -> bool:
        """Whether the server answers."""
        path = "v2/health/live" if self._config.protocol == "v2" else ""
        return await self._says(f"{base_url.rstrip('/')}/{path}", headers, timeout)

    async def is_model_ready(
        self,
        base_url: str,
        model_name: str,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = DEFAULT,
    ) -> bool:
        """Whether one model answers."""
        name = quote(model_name, safe="")
        path = f"v2/models/{name}/ready" if self._config.protocol == "v2" else f"v1/models/{name}"
        return await self._says(f"{base_url.rstrip('/')}/{path}", headers, timeout)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _says(self, url: str, headers: Mapping[str, str] | None, timeout: float | None) -> bool:
        try:
            async with (
                asyncio.timeout(self._seconds(timeout)),
                self._client().get(url, headers=headers) as answer,
            ):
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout: float | None = DEFAULT
    ) -> tuple[int, dict[str, str], bytes]:
        """Post bytes; status, headers (lower-case names) and body of a 2xx. Raises `StepError`."""
        seconds, pause, tries = self._seconds(timeout), FIRST_PAUSE, self._config.retries + 1
        try:
            async with asyncio.timeout(seconds):
                for left in range(tries - 1, -1, -1):
                    try:
                        return await self._once(url, body, headers)
                    except aiohttp.ClientConnectorError as error:  # nothing was sent: asking again is safe
                        if not left:
                            raise steps.unreachable(self._step, _host(url), error.os_error) from None
                    await asyncio.sleep(pause)
                    pause *= 2
        except TimeoutError:
            raise steps.too_slow(self._step, _host(url), seconds) from None
        except aiohttp.ClientError as error:
            raise steps.broken(self._step, _host(url), _short(error)) from None
        raise AssertionError("unreachable")

    async def _once(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        async with self._client().post(url, data=body, headers=headers, allow_redirects=False) as answer:
            parts, size = [], 0
            async for chunk in answer.content.iter_any():
                size += len(chunk)
                if size > LARGEST_ANSWER:
                    raise steps.broken(
                        self._step, _host(url), f"its answer is larger than {LARGEST_ANSWER} bytes"
                    )
                parts.append(chunk)
            found = {name.lower(): value for name, value in answer.headers.items()}
            if not 200 <= answer.status < 300:
                kind = found.get("content-type", "application/octet-stream")
                raise steps.refused(self._step, answer.status, b"".join(parts), kind, found)
            return answer.status, found, b"".join(parts)

    def _client(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            auth = aiohttp.BasicAuth(*self._config.auth) if self._config.auth else None
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=IDLE_SECONDS, ssl=self._config.tls()
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                cookie_jar=aiohttp.DummyCookieJar(),
                auth=auth,
            )
        return self._session

    def _seconds(self, timeout: float | None) -> float | None:
        return remaining(self._config.timeout if timeout is DEFAULT else timeout)


def encoded(data: Any) -> tuple[bytes, dict[str, str]]:
    """A payload as the body of a request, and the headers that say what it is."""
    if isinstance(data, InferRequest):
        value, length = data.to_rest()
        if length is not None and isinstance(value, bytes):
            return value, {"content-type": "application/octet-stream", JSON_LENGTH: str(length)}
        data = value
    if isinstance(data, bytes):
        return data, {"content-type": "application/octet-stream"}
    try:
        body = orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError as error:
        raise InvalidInput(f"the payload for the predictor cannot be written as JSON: {error}") from None
    return body, {"content-type": "application/json"}


def _binary(own: Mapping[str, str]) -> dict[str, str]:
    """What a binary body says of itself, the caller cannot say otherwise."""
    return dict(own) if JSON_LENGTH in own else {}


def _lower(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _short(error: Exception) -> str:
    said = str(error).strip().split("\n")[0][:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


__all__ = ["InferenceRESTClient", "RESTConfig", "StepError"]
