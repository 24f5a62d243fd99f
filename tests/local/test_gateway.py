"""The gateway hands requests through as they are, and says what went wrong where it cannot."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from kserve_lite.local import ports
from kserve_lite.local.gateway import Backend, Gateway, Unavailable
from kserve_lite.local.route import Route

ROUTE = Route("default/iris", "iris", ("iris.default.svc.cluster.local", "iris.default"))
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def behind_gateway(
    handler: Handler, seconds: float | None = None
) -> AsyncIterator[tuple[aiohttp.ClientSession, Backend]]:
    """Yield a client of a gateway in front of one server with `handler`."""
    runner = web.ServerRunner(
        web.Server(handler, auto_decompress=False, access_log=None, handler_cancellation=True)
    )
    await runner.setup()
    gateway_port, backend_port = ports.free(2)
    await web.TCPSite(runner, "127.0.0.1", backend_port).start()
    backend = Backend(URL(f"http://127.0.0.1:{backend_port}"), seconds)
    gateway = Gateway(lambda: [ROUTE], lambda key: backend)
    try:
        async with (
            gateway.listening(["127.0.0.1"], gateway_port),
            aiohttp.ClientSession(f"http://127.0.0.1:{gateway_port}", auto_decompress=False) as client,
        ):
            yield client, backend
    finally:
        await runner.cleanup()


async def echo(request: web.BaseRequest) -> web.Response:
    """Answer with what came: line, headers and the length of the body."""
    body = await request.read() if request.body_exists else b""
    seen = {
        "line": f"{request.method} {request.raw_path}",
        "headers": dict(request.headers),
        "body": len(body),
    }
    return web.json_response(
        seen, headers={"X-Answer": "yes", "Connection": "keep-alive, X-Secret", "X-Secret": "1"}
    )


async def test_method_path_query_headers_and_body_arrive_as_they_were_sent() -> None:
    async with behind_gateway(echo) as (client, _):
        url = URL("/v1/models/a%2Fb:predict?x=1%202", encoded=True)
        async with client.put(url, data=b"12345", headers={"X-Mine": "1", "Host": "iris.default"}) as answer:
            seen = await answer.json()
            headers = answer.headers

    assert seen["line"] == "PUT /v1/models/a%2Fb:predict?x=1%202"
    assert seen["body"] == 5
    assert seen["headers"]["Host"] == "iris.default"
    assert seen["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert "X-Mine" in seen["headers"]
    assert headers["X-Answer"] == "yes"


async def test_headers_that_speak_of_one_connection_end_there() -> None:
    async with (
        behind_gateway(echo) as (client, _),
        client.get(
            "/", headers={"Connection": "X-Hop", "X-Hop": "1", "TE": "trailers", "Upgrade": "h2c"}
        ) as answer,
    ):
        seen = (await answer.json())["headers"]

    assert not {"X-Hop", "Te", "TE", "Upgrade"} & seen.keys()
    assert "X-Secret" not in answer.headers


async def test_the_gateway_adds_nothing_that_the_client_did_not_say() -> None:
    async with behind_gateway(echo) as (client, _):
        assert client._base_url is not None
        reader, writer = await asyncio.open_connection(client._base_url.host, client._base_url.port)
        writer.write(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
        )
        _, _, body = (await reader.read()).partition(b"\r\n\r\n")
        seen = json.loads(body)
        writer.close()

    assert seen["headers"].keys() == {"Host", "Content-Length", "X-Forwarded-For", "X-Forwarded-Proto"}


async def test_a_compressed_body_passes_untouched_both_ways() -> None:
    packed = gzip.compress(b"x" * 10_000)

    async def handler(request: web.BaseRequest) -> web.Response:
        assert await request.read() == packed
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with (
        behind_gateway(handler) as (client, _),
        client.post("/", data=packed, headers={"Content-Encoding": "gzip"}) as answer,
    ):
        assert answer.headers["Content-Encoding"] == "gzip"
        assert await answer.read() == packed


async def test_a_body_of_100_mb_is_streamed_through_in_both_directions() -> None:
    size, piece = 100_000_000, b"x" * 1_000_000

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            await response.write(chunk)
        return response

    async def body() -> AsyncIterator[bytes]:
        for _ in range(size // len(piece)):
            yield piece

    async with behind_gateway(handler) as (client, _), client.post("/", data=body()) as answer:
        received = sum([len(chunk) async for chunk in answer.content.iter_any()])

    assert received == size


async def test_the_first_part_of_an_answer_comes_before_the_last_is_written() -> None:
    go_on = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await go_on.wait()
        await response.write(b"last")
        return response

    async with behind_gateway(handler) as (client, _), client.get("/") as answer:
        first = await answer.content.readany()
        go_on.set()
        last = await answer.content.read()

    assert (first, last) == (b"first", b"last")


async def test_a_client_that_goes_away_cancels_the_work_behind_it() -> None:
    arrived, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    async with behind_gateway(handler) as (client, backend):
        asking = asyncio.create_task(client.get("/").__aenter__())
        await arrived.wait()
        assert not backend.idle.is_set()
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(cancelled.wait(), 10)
        await asyncio.wait_for(backend.idle.wait(), 10)


async def test_connections_to_the_server_are_used_again() -> None:
    peers = set()

    async def handler(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response()

    async with behind_gateway(handler) as (client, _):
        for _ in range(20):
            async with client.post("/", data=b"{}"):
                pass

    assert len(peers) == 1


async def test_a_client_that_waits_for_100_continue_is_told_to_go_on() -> None:
    async with (
        behind_gateway(echo) as (client, _),
        client.post("/", data=b"x" * 10, expect100=True) as answer,
    ):
        seen = await answer.json()

    assert seen["body"] == 10
    assert "Expect" not in seen["headers"]


async def error_of(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    body = await answer.json()
    assert body.keys() == {"error", "code"}
    return answer.status, body["code"]


async def test_a_service_that_takes_longer_than_its_timeout_is_answered_504() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with behind_gateway(handler, seconds=0.1) as (client, _), client.get("/") as answer:
        assert await error_of(answer) == (504, "timeout")


async def test_a_server_that_breaks_off_before_its_answer_is_a_502() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with behind_gateway(handler) as (client, _), client.post("/", data=b"{}") as answer:
        assert await error_of(answer) == (502, "bad_gateway")


async def test_half_an_answer_ends_as_a_broken_connection_never_as_a_whole_one() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with behind_gateway(handler) as (client, _):
        with pytest.raises(aiohttp.ClientError):
            async with client.get("/") as answer:
                await answer.read()


async def test_a_server_that_is_not_there_is_a_503_that_says_when_to_come_back() -> None:
    async with behind_gateway(echo) as (client, backend):
        backend.url = URL(f"http://127.0.0.1:{ports.free(1)[0]}")
        async with client.get("/") as answer:
            assert await error_of(answer) == (503, "unavailable")
            assert answer.headers["Retry-After"] == "1"


async def test_a_service_without_a_version_that_answers_says_why() -> None:
    gateway = Gateway(
        lambda: [ROUTE], lambda key: Unavailable("model_file_missing", f"{key} has no model file")
    )
    (port,) = ports.free(1)
    async with (
        gateway.listening(["127.0.0.1"], port),
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{port}/v1/models/iris") as answer,
    ):
        assert await error_of(answer) == (503, "model_file_missing")
