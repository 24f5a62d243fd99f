"""Every way in which a step can fail: the right status, a sentence that names the step, and a number that counts it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.server.graph.backend import Respond, Running, answer, backend, constant, echo, graph, hang, router
from tests.server.graph.test_nodes import post


async def half(request: Any) -> None:
    request.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    await request.writer.drain()
    request.writer.close()


async def gibberish(request: Any) -> bytes:
    return b"\x00\x00\x12\x04 this is HTTP/2 or worse\r\n\r\n"


async def closes(request: Any) -> None:
    request.writer.close()


async def not_json(request: Any) -> bytes:
    return answer(b"<html>")


async def large(request: Any) -> bytes:
    return answer(b"1" * 3000)


def sequence(url: str, **step: Any) -> dict[str, Any]:
    return graph({"type": "Sequence", "steps": [{"name": "model", "url": url, **step}]})


def ensemble(url: str, **step: Any) -> dict[str, Any]:
    return graph({"type": "Ensemble", "steps": [{"name": "model", "url": url, **step}]})


@pytest.mark.parametrize(
    ("respond", "make", "status", "code"),
    [
        pytest.param(half, sequence, 502, "step_broken", id="half an answer"),
        pytest.param(gibberish, sequence, 502, "step_broken", id="wrong protocol"),
        pytest.param(closes, sequence, 502, "step_broken", id="no answer"),
        pytest.param(hang, sequence, 504, "step_too_slow", id="slow"),
        pytest.param(not_json, ensemble, 502, "step_not_json", id="no JSON in an ensemble"),
        pytest.param(large, ensemble, 502, "step_answer_too_large", id="too large to hold"),
    ],
)
async def test_a_step_that_fails_is_named(
    tmp_path: Path, respond: Respond, make: Any, status: int, code: str
) -> None:
    async with backend(respond) as service:
        document = make(service.url, timeout=0.2, hard=True)
        async with router(tmp_path, document, max_response_bytes=2000) as running:
            got, body = await post(running.url, {})
            metrics = running.service.metrics

    assert (got, body["code"], body["step"]) == (status, code, "root.model")
    assert "step root.model: " in body["error"]
    assert metrics.errors == {code: 1}
    if code != "step_not_json":
        assert metrics.steps["root", "model"].failures == {code: 1}


async def test_a_service_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    async with (
        router(tmp_path, sequence("http://127.0.0.1:9")) as running,
        aiohttp.ClientSession() as client,
        client.post(running.url, json={}) as reply,
    ):
        body = await reply.json()

    assert (reply.status, body["code"], body["step"]) == (503, "step_unreachable", "root.model")
    assert reply.headers["retry-after"] == "1"


async def test_a_name_that_does_not_exist_is_unavailable(tmp_path: Path) -> None:
    async with router(tmp_path, sequence("http://nowhere.invalid")) as running:
        status, body = await post(running.url, {})

    assert (status, body["code"]) == (503, "step_unreachable")


@pytest.mark.parametrize("status", [400, 404, 422, 429, 500, 503])
async def test_what_a_service_answers_is_passed_through(tmp_path: Path, status: int) -> None:
    async with (
        backend(constant({"error": "mine"}, status, "retry-after: 7\r\n")) as service,
        router(tmp_path, sequence(service.url)) as running,
        aiohttp.ClientSession() as client,
        client.post(running.url, json={}) as reply,
    ):
        assert (reply.status, await reply.json()) == (status, {"error": "mine"})
        assert reply.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("root", "status", "code"),
    [
        pytest.param("Switch", 400, "invalid_json", id="the request"),
        pytest.param("Sequence", 502, "step_not_json", id="the answer before"),
    ],
)
async def test_a_condition_on_what_is_no_json_is_refused(
    tmp_path: Path, root: str, status: int, code: str
) -> None:
    condition = {"text": "a", "path": [["key", "a"]]}
    async with backend(not_json) as service:
        steps = [
            {"name": "one", "url": service.url, "condition": condition},
            {"name": "two", "url": service.url, "condition": condition},
        ]
        async with (
            router(tmp_path, graph({"type": root, "steps": steps})) as running,
            aiohttp.ClientSession() as client,
            client.post(running.url, data=b"{") as reply,
        ):
            body = await reply.json()

    assert (reply.status, body["code"]) == (status, code)
    assert body["step"] == ("root.one" if root == "Switch" else "root.two")


async def test_a_request_that_is_too_large_is_refused_before_a_step_sees_it(tmp_path: Path) -> None:
    async with (
        backend(echo) as service,
        router(tmp_path, sequence(service.url), max_request_bytes=1000) as running,
        aiohttp.ClientSession() as client,
        client.post(running.url, data=b"1" * 1001) as reply,
    ):
        body = await reply.json()

    assert (reply.status, body["code"], service.seen) == (413, "request_too_large", [])


async def test_a_chunked_request_that_is_too_large_is_refused_too(tmp_path: Path) -> None:
    async def chunks() -> Any:
        for _ in range(5):
            yield b"1" * 300

    async with backend(echo) as service:
        document = ensemble(service.url)
        async with (
            router(tmp_path, document, max_request_bytes=1000) as running,
            aiohttp.ClientSession() as client,
            client.post(running.url, data=chunks()) as reply,
        ):
            assert reply.status == 413

    assert service.seen == []


async def test_bodies_beyond_the_memory_for_them_are_refused(tmp_path: Path) -> None:
    async with backend(hang) as service:
        document = ensemble(service.url, timeout=30)
        async with (
            router(tmp_path, document, max_held_bytes=1_500_000) as running,
            aiohttp.ClientSession() as client,
        ):
            first = asyncio.ensure_future(client.post(running.url, data=b"1" * 1_000_000))
            while not service.seen:
                await asyncio.sleep(0.01)
            async with client.post(running.url, data=b"1" * 1_000_000) as reply:
                body = await reply.json()
            first.cancel()

    assert (reply.status, body["code"]) == (503, "overloaded")


async def test_more_requests_than_allowed_are_refused_and_a_hung_step_holds_none_beyond_its_timeout(
    tmp_path: Path,
) -> None:
    async with (
        backend(hang) as service,
        router(tmp_path, sequence(service.url, timeout=0.5), max_in_flight=10) as running,
    ):
        began = time.monotonic()
        replies = await asyncio.gather(*(post(running.url, {}) for _ in range(30)))
        took = time.monotonic() - began
        await settled(running)

    codes = [body["code"] for _, body in replies]
    assert codes.count("overloaded") == 20
    assert codes.count("step_too_slow") == 10
    assert took < 2


async def settled(running: Running) -> None:
    """Wait until nothing of any request is left."""
    async with asyncio.timeout(10):
        while running.service.metrics.in_flight or any(o.lent for o in running.service.pool.origins.values()):
            await asyncio.sleep(0.01)


async def test_the_time_of_a_step_covers_its_retries(tmp_path: Path) -> None:
    async with (
        backend(constant({"error": "x"}, 503)) as service,
        router(tmp_path, sequence(service.url, timeout=0.3, retries=5)) as running,
    ):
        began = time.monotonic()
        status, _ = await post(running.url, {})

    assert (status, time.monotonic() - began < 1) == (503, True)
    assert 2 <= len(service.seen) <= 6


async def test_a_retry_can_succeed(tmp_path: Path) -> None:
    async def third_time(request: Any) -> bytes:
        return answer({"ok": 1}) if len(service.seen) == 3 else answer({"error": "x"}, 503)

    async with backend(third_time) as service, router(tmp_path, sequence(service.url, retries=2)) as running:
        assert await post(running.url, {}) == (200, {"ok": 1})


async def test_without_retries_nothing_is_sent_twice(tmp_path: Path) -> None:
    async with (
        backend(constant({"error": "x"}, 503)) as service,
        router(tmp_path, sequence(service.url)) as running,
    ):
        assert (await post(running.url, {}))[0] == 503

    assert len(service.seen) == 1


async def test_a_connection_that_the_service_has_closed_meanwhile_costs_no_request(tmp_path: Path) -> None:
    async def once(request: Any) -> bytes | None:
        if len(service.seen) == 2:
            request.writer.close()  # as a server does that ends between two requests
            return None
        return answer({"n": len(service.seen)})

    async with backend(once) as service, router(tmp_path, sequence(service.url)) as running:
        assert await post(running.url, {}) == (200, {"n": 1})
        assert await post(running.url, {}) == (200, {"n": 3})


async def test_the_graph_as_a_whole_has_a_timeout_too(tmp_path: Path) -> None:
    async with (
        backend(hang) as service,
        router(tmp_path, {**sequence(service.url), "timeout": 0.2}) as running,
    ):
        status, body = await post(running.url, {})
        await settled(running)

    assert (status, body["code"]) == (504, "deadline_exceeded")


@pytest.mark.parametrize(
    ("kind", "rounds"),
    [
        pytest.param("Sequence", 10, id="Sequence"),
        pytest.param("Ensemble", 10, id="Ensemble"),
        pytest.param("Ensemble", 500, id="ten thousand", marks=pytest.mark.slow),
    ],
)
async def test_clients_that_go_away_leave_nothing_behind(tmp_path: Path, kind: str, rounds: int) -> None:
    async with backend(hang) as one, backend(hang) as two:
        steps = [{"url": one.url, "timeout": 60}, {"url": two.url, "timeout": 60}]
        async with router(tmp_path, graph({"type": kind, "steps": steps})) as running:
            before = len(asyncio.all_tasks())
            for _ in range(rounds):
                writers = []
                for _ in range(20):
                    _, writer = await asyncio.open_connection("127.0.0.1", running.port)
                    writer.write(b"POST / HTTP/1.1\r\nhost: g\r\ncontent-length: 2\r\n\r\n{}")
                    writers.append(writer)
                expected = len(one.seen) + 1
                async with asyncio.timeout(10):
                    while len(one.seen) < expected:
                        await asyncio.sleep(0.01)
                for writer in writers:
                    writer.transport.abort()
            await settled(running)
            async with asyncio.timeout(10):
                while len(asyncio.all_tasks()) > before or len(running.service.doors):
                    await asyncio.sleep(0.01)
            codes, _, _ = running.service.metrics.requests.counted()
            connections = running.service.pool.origins.values()
            assert [origin.open for origin in connections] == [0, 0]
            async with asyncio.timeout(10):
                while one.broken < len(one.seen) or two.broken < len(two.seen):
                    await asyncio.sleep(0.01)

    assert codes[499] > 10 * rounds
    assert codes.total() == codes[499]


async def test_the_other_steps_of_an_ensemble_are_given_up_when_a_hard_one_fails(tmp_path: Path) -> None:
    async with backend(constant({"error": "x"}, 500)) as first, backend(hang) as second:
        steps = [{"url": first.url, "hard": True}, {"url": second.url, "timeout": 60}]
        async with router(tmp_path, graph({"type": "Ensemble", "steps": steps})) as running:
            assert (await post(running.url, {}))[0] == 500
            await settled(running)
            async with asyncio.timeout(10):
                while second.seen and not second.broken:
                    await asyncio.sleep(0.01)


async def test_an_answer_of_any_size_is_passed_on_without_being_held(tmp_path: Path) -> None:
    async def stream(request: Any) -> None:
        request.writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(50):
            request.writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await request.writer.drain()
        request.writer.write(b"0\r\n\r\n")
        await request.writer.drain()
        await asyncio.Event().wait()

    async with (
        backend(stream) as service,
        router(tmp_path, sequence(service.url), max_response_bytes=1000) as running,
        aiohttp.ClientSession() as client,
        client.post(running.url, data=b"{}") as reply,
    ):
        body = await reply.read()

    assert (reply.status, len(body)) == (200, 50 * 65536)


async def test_an_answer_that_breaks_off_while_it_is_passed_on_ends_the_connection(tmp_path: Path) -> None:
    async def breaks(request: Any) -> None:
        request.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 100_000)
        await request.writer.drain()
        request.writer.close()

    async with backend(breaks) as service, router(tmp_path, sequence(service.url)) as running:
        async with aiohttp.ClientSession() as client:
            with pytest.raises(aiohttp.ClientPayloadError):
                async with client.post(running.url, data=b"{}") as reply:
                    await reply.read()
        await settled(running)
        assert running.service.metrics.errors == {"step_broken": 1}


async def test_a_large_request_is_passed_on_while_it_arrives(tmp_path: Path) -> None:
    async def first_bytes(request: Any) -> bytes:
        return answer({"size": len(request.body)})

    async def parts() -> Any:
        for _ in range(40):
            yield b"y" * 65536

    async with (
        backend(first_bytes) as service,
        router(tmp_path, sequence(service.url), max_held_bytes=100_000) as running,
        aiohttp.ClientSession() as client,
    ):
        async with client.post(running.url, data=parts()) as reply:
            assert await reply.json() == {"size": 40 * 65536}
        async with client.post(running.url, data=b"y" * 1_000_000) as reply:
            assert await reply.json() == {"size": 1_000_000}
