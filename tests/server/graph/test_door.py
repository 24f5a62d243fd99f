"""The front door speaks HTTP/1.1 as clients expect it, also to those that are slow, hasty or wrong."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from tests.server.graph.backend import Running, backend, constant, echo, graph, router


async def say(running: Running, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send bytes and read until the router closes or nothing more comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(pause)
    answer = b""
    try:
        async with asyncio.timeout(3):
            while chunk := await reader.read(65536):
                answer += chunk
    finally:
        writer.close()
    return answer


def request(body: bytes, more: bytes = b"") -> bytes:
    return b"POST / HTTP/1.1\r\nhost: g\r\n%bcontent-length: %d\r\n\r\n%b" % (more, len(body), body)


CLOSE = b"connection: close\r\n"


async def test_requests_that_come_together_are_answered_in_their_order(tmp_path: Path) -> None:
    async with (
        backend(echo) as service,
        router(tmp_path, graph({"type": "Sequence", "steps": [{"url": service.url}]})) as running,
    ):
        answer = await say(running, request(b"1") + request(b"22") + request(b"333", CLOSE))

    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"1", b"22", b"333"]


async def test_any_number_of_requests_may_come_at_once(tmp_path: Path) -> None:
    """Answers that need no step are not given one inside the other."""
    condition = {"text": "never", "path": [["key", "never"]]}
    steps = [{"url": "http://127.0.0.1:9", "condition": condition}]
    async with router(tmp_path, graph({"type": "Switch", "steps": steps})) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        refused = b"POST / HTTP/1.1\r\nhost: g\r\ncontent-length: 2\r\n\r\n{}"
        writer.write((b"GET /healthz HTTP/1.1\r\nhost: g\r\n\r\n" + refused) * 1000)
        last = b"GET /readyz HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\r\n"
        writer.write(last)
        said = await reader.read(-1)
        writer.close()

    assert said.count(b"HTTP/1.1 200 ") == 1001
    assert said.count(b"HTTP/1.1 404 ") == 1000
    assert said.endswith(b'{"ready":true}')


async def test_a_request_may_arrive_byte_by_byte(tmp_path: Path) -> None:
    async with (
        backend(echo) as service,
        router(tmp_path, graph({"type": "Sequence", "steps": [{"url": service.url}]})) as running,
    ):
        raw = request(b'{"a":1}', CLOSE)
        answer = await say(running, *(raw[i : i + 1] for i in range(len(raw))))

    assert answer.endswith(b'\r\n\r\n{"a":1}')


async def test_a_chunked_request_reaches_the_service_whole(tmp_path: Path) -> None:
    async with (
        backend(echo) as service,
        router(
            tmp_path, graph({"type": "Ensemble", "steps": [{"name": "a", "url": service.url}]})
        ) as running,
    ):
        head = b"POST / HTTP/1.1\r\nhost: g\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        answer = await say(running, head, b'3\r\n{"a\r\n', b'3\r\n":1\r\n1\r\n}\r\n0\r\n\r\n', pause=0.01)

    assert answer.endswith(b'{"a":{"a":1}}')
    assert service.seen[0].headers["content-length"] == "7"


async def test_a_client_that_waits_for_continue_is_told_to_go_on(tmp_path: Path) -> None:
    async with (
        backend(echo) as service,
        router(tmp_path, graph({"type": "Sequence", "steps": [{"url": service.url}]})) as running,
    ):
        head = b"POST / HTTP/1.1\r\nhost: g\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: 2\r\n\r\n"
        answer = await say(running, head, b"{}", pause=0.05)

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


async def test_http_1_0_gets_its_answer_and_the_end(tmp_path: Path) -> None:
    async with (
        backend(echo) as service,
        router(tmp_path, graph({"type": "Sequence", "steps": [{"url": service.url}]})) as running,
    ):
        answer = await say(running, b"POST / HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}")

    assert answer.endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        pytest.param(b"no http at all\r\n\r\n", 400, "bad_request", id="no HTTP"),
        pytest.param(
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", 400, "bad_request", id="no chunk"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nx: " + b"y" * 70_000, 431, "headers_too_large", id="endless head"),
        pytest.param(
            b"POST / HTTP/1.1\r\ncontent-length: 100\r\n\r\n{", 408, "request_too_slow", id="slow body"
        ),
        pytest.param(b"POST / HTTP/1.1\r\ncontent-le", 408, "request_too_slow", id="slow head"),
    ],
)
async def test_what_never_becomes_a_request_is_refused_and_the_connection_closed(
    tmp_path: Path, raw: bytes, status: int, code: str
) -> None:
    document = graph({"type": "Ensemble", "steps": [{"url": "http://127.0.0.1:9"}]}, read=0.1)
    async with router(tmp_path, document) as running:
        saying = asyncio.ensure_future(say(running, raw))
        while not saying.done():
            await asyncio.sleep(0.05)
            running.service.sweep()
        answer = await saying

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["code"] == code


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not(tmp_path: Path) -> None:
    async def slow(request: object) -> bytes:
        await asyncio.sleep(0.3)
        return b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"

    async with backend(slow) as service:
        document = graph({"type": "Sequence", "steps": [{"url": service.url}]}, idle=0.1)
        async with router(tmp_path, document) as running:
            saying = asyncio.ensure_future(say(running, request(b"{}")))
            while not saying.done():
                await asyncio.sleep(0.02)
                running.service.sweep()

    assert (await saying).endswith(b"{}")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/readyz", 200),
        ("HEAD", "/readyz", 200),
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/v1/models/x", 404),
        ("PUT", "/", 405),
    ],
)
async def test_pages_beside_the_graph(tmp_path: Path, method: str, path: str, status: int) -> None:
    document = graph({"type": "Sequence", "steps": [{"url": "http://127.0.0.1:9"}]})
    async with router(tmp_path, document) as running, aiohttp.ClientSession() as client:
        for _ in range(2):
            async with client.request(method, running.url + path) as reply:
                await reply.read()
                assert reply.status == status


async def test_metrics_count_requests_steps_and_connections(tmp_path: Path) -> None:
    async with backend(constant({}, 500)) as service:
        document = graph({"type": "Sequence", "steps": [{"name": "a", "url": service.url}]})
        async with router(tmp_path, document) as running, aiohttp.ClientSession() as client:
            for _ in range(3):
                async with client.post(running.url, data=b"{}") as reply:
                    await reply.read()
            async with client.get(running.url + "/metrics") as reply:
                lines = (await reply.text()).splitlines()

    assert 'kserve_lite_graph_requests_total{code="500",graph="g"} 3.0' in lines
    assert 'kserve_lite_graph_step_requests_total{code="500",graph="g",node="root",step="a"} 3.0' in lines
    assert 'kserve_lite_graph_step_seconds_count{graph="g",node="root",step="a"} 3.0' in lines
    assert 'kserve_lite_graph_backend_connections_opened{graph="g"} 1.0' in lines
    assert service.connections == 1
