"""HTTP as it goes to an API server: refusals, silence, renewed tokens, proxies, and errors one can read."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from kserve_lite.controller.runtime import kube as kube_module
from kserve_lite.controller.runtime import wire as wire_module
from kserve_lite.controller.runtime.credentials import Fixed, TokenFile
from kserve_lite.controller.runtime.errors import TRANSIENT, ApiError, ConnectionLost
from kserve_lite.controller.runtime.kube import Key, Kind, Kube
from kserve_lite.controller.runtime.kubeconfig import Access
from kserve_lite.controller.runtime.wire import Wire

THING = Kind("example.com", "v1", "Thing", "things")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """A server that answers everything with `handler`; yields its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(access: Access) -> AsyncIterator[Kube]:
    kube = Kube(Wire(access), "default")
    try:
        yield kube
    finally:
        await kube.close()


async def test_a_token_that_expired_is_read_anew_and_the_request_sent_again(tmp_path: Path) -> None:
    seen: list[tuple[str, bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.headers["Authorization"], await request.read()))
        if seen[-1][0] != "Bearer fresh":
            return web.json_response({"reason": "Unauthorized"}, status=401)
        return web.json_response({"stored": True}, status=201)

    (tmp_path / "token").write_text("stale")
    async with served(handler) as server, connected(Access(server, TokenFile(tmp_path / "token"))) as kube:
        with pytest.raises(ApiError) as refused:
            await kube.get(THING, Key("ns", "x"))
        (tmp_path / "token").write_text("fresh")
        body = {"metadata": {"namespace": "ns", "name": "x"}}
        assert await kube.create(THING, body) == {"stored": True}

    assert refused.value.code == 401
    assert [token for token, _ in seen] == ["Bearer stale", "Bearer stale", "Bearer fresh"]
    assert seen[1][1] == seen[2][1] != b""
    assert kube.counts == {("get", "things.example.com"): 1, ("create", "things.example.com"): 1}


async def test_a_refusal_keeps_its_sentence_and_how_long_to_wait() -> None:
    answers = [
        web.json_response({"reason": "TooManyRequests", "message": "slowly"}, status=429, headers={"Retry-After": "7"}),
        web.Response(text="<html>gateway</html>", status=502),
        web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    ]  # fmt: skip

    async def handler(request: web.Request) -> web.StreamResponse:
        return answers.pop(0)

    async with served(handler) as server, connected(Access(server)) as kube:
        with pytest.raises(ApiError) as slow:
            await kube.get(THING, Key("ns", "x"))
        with pytest.raises(ApiError) as strange:
            await kube.get(THING, Key("ns", "x"))
        with pytest.raises(TRANSIENT):  # a redirection is not followed: it could take the token elsewhere
            await kube.get(THING, Key("ns", "x"))

    assert (slow.value.code, slow.value.message, slow.value.retry_after) == (429, "slowly", 7.0)
    assert (strange.value.code, strange.value.message) == (502, "<html>gateway</html>")


async def test_a_watch_reads_lines_of_any_length_in_any_pieces() -> None:
    long = "x" * 300_000
    text = f'{{"type":"ADDED","object":{{"a":"{long}"}}}}\n{{"type":"BOOKMARK","object":{{}}}}\n'.encode()

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.query["allowWatchBookmarks"] == "true"
        answer = web.StreamResponse()
        await answer.prepare(request)
        for start in range(0, len(text), 70_001):
            await answer.write(text[start : start + 70_001])
        return answer

    async with served(handler) as server, connected(Access(server)) as kube:
        events = [event async for event in kube.watch(THING, "1")]

    assert [event.type for event in events] == ["OPENED", "ADDED", "BOOKMARK"]
    assert events[1].object == {"a": long}


async def test_a_watch_that_falls_silent_ends_and_a_refused_one_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kube_module, "SILENCE_SECONDS", 0.2)
    done = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.query["resourceVersion"] == "0":
            return web.json_response({"reason": "Expired", "message": "too old"}, status=410)
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b'{"type":"ADDED","object":{}}\n')
        await done.wait()
        return answer

    async with served(handler) as server, connected(Access(server)) as kube:
        assert [event.type async for event in kube.watch(THING, "1")] == ["OPENED", "ADDED"]
        with pytest.raises(ApiError, match="410 Expired: too old"):
            [event async for event in kube.watch(THING, "0")]
        done.set()


async def test_a_server_that_does_not_answer_or_hangs_up_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        wire_module, "_PATIENCE", wire_module.aiohttp.ClientTimeout(sock_connect=1.0, sock_read=0.2)
    )
    done = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/hangs-up"):
            assert request.transport is not None
            request.transport.abort()
        await done.wait()
        return web.Response()

    async with served(handler) as server, connected(Access(server)) as kube:
        with pytest.raises(TimeoutError, match=f"{re.escape(server)} did not answer in time"):
            await kube.get(THING, Key("ns", "x"))
        with pytest.raises(ConnectionLost, match=re.escape(server)):
            await kube.get(THING, Key("ns", "hangs-up"))
        done.set()
    async with connected(Access("http://127.0.0.1:1")) as kube:
        with pytest.raises(ConnectionLost, match=r"http://127.0.0.1:1: cannot be reached: .*refused"):
            await kube.get(THING, Key("ns", "x"))


async def test_a_proxy_of_the_environment_is_used_unless_the_server_is_exempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"asked": str(request.url)})

    async with served(handler) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        async with connected(Access("http://api.example:80", Fixed("Bearer t"))) as kube:
            through = await kube.get(THING, Key("ns", "x"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with connected(Access(proxy)) as kube:
            straight = await kube.get(THING, Key("ns", "a b"))

    path = "apis/example.com/v1/namespaces/ns/things"
    assert through["asked"] == f"http://api.example/{path}/x"
    assert straight["asked"] == f"{proxy}/{path}/a%20b"
