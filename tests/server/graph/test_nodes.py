"""What each kind of node makes of a request, with services that answer for real."""

from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.server.graph.backend import backend, constant, echo, graph, router


async def post(url: str, body: Any, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as client, client.post(url, json=body, headers=headers) as reply:
        return reply.status, await reply.json()


async def test_a_sequence_hands_the_request_or_the_answer_before_to_each_step(tmp_path: Path) -> None:
    async with (
        backend(constant({"predictions": [1]})) as first,
        backend(echo) as second,
        backend(echo) as third,
    ):
        steps = [{"url": first.url}, {"url": second.url, "response": True}, {"url": third.url}]
        async with router(tmp_path, graph({"type": "Sequence", "steps": steps})) as running:
            reply = await post(running.url, {"instances": [5]})

    assert reply == (200, {"instances": [5]})
    assert second.seen[0].json == {"predictions": [1]}
    assert third.seen[0].json == {"instances": [5]}


async def test_predictions_become_instances_where_the_step_asks_for_it(tmp_path: Path) -> None:
    async with (
        backend(constant({"predictions": [1, 2], "model_name": "a"})) as first,
        backend(echo) as second,
    ):
        steps = [{"url": first.url}, {"url": second.url, "response": True, "maps": True}]
        async with router(tmp_path, graph({"type": "Sequence", "steps": steps})) as running:
            assert await post(running.url, {"instances": [5]}) == (200, {"instances": [1, 2]})


async def test_a_sequence_stops_before_a_step_whose_condition_does_not_hold(tmp_path: Path) -> None:
    condition = {"text": "more", "path": [["key", "more"]]}
    async with backend(echo) as first, backend(constant({"second": True})) as second:
        steps = [{"url": first.url}, {"url": second.url, "condition": condition}]
        async with router(tmp_path, graph({"type": "Sequence", "steps": steps})) as running:
            assert await post(running.url, {"less": 1}) == (200, {"less": 1})
            assert await post(running.url, {"more": 1}) == (200, {"second": True})


@pytest.mark.parametrize(("hard", "status"), [(True, 418), (False, 200)])
async def test_the_failure_of_a_hard_step_is_the_answer_and_of_a_soft_one_is_not(
    tmp_path: Path, hard: bool, status: int
) -> None:
    async with backend(constant({"error": "no"}, 418)) as first, backend(constant({"ok": 1})) as second:
        steps = [{"url": first.url, "hard": hard}, {"url": second.url}]
        async with router(tmp_path, graph({"type": "Sequence", "steps": steps})) as running:
            got, body = await post(running.url, {})

    assert (got, body) == (status, {"error": "no"} if hard else {"ok": 1})


async def test_a_switch_takes_the_first_step_whose_condition_holds(tmp_path: Path) -> None:
    def when(text: str) -> dict[str, Any]:
        return {"text": text, "path": [["key", text]]}

    async with backend(constant("a")) as first, backend(constant("b")) as second:
        steps = [{"url": first.url, "condition": when("a")}, {"url": second.url, "condition": when("b")}]
        async with router(tmp_path, graph({"type": "Switch", "steps": steps})) as running:
            assert await post(running.url, {"a": 1, "b": 1}) == (200, "a")
            assert await post(running.url, {"b": 1}) == (200, "b")
            status, body = await post(running.url, {"c": 1})

    assert (status, body["code"], body["step"]) == (404, "no_route", "root")


async def test_an_ensemble_merges_the_answers_of_all_steps_by_name_or_number(tmp_path: Path) -> None:
    async with backend(constant([1])) as first, backend(constant({"b": 2}, 500)) as second:
        steps = [{"name": "one", "url": first.url}, {"url": second.url}]
        async with router(tmp_path, graph({"type": "Ensemble", "steps": steps})) as running:
            for _ in range(2):  # once on new connections, once on kept ones
                assert await post(running.url, {}) == (200, {"one": [1], "1": {"b": 2}})


async def test_a_hard_step_that_fails_is_the_answer_of_an_ensemble(tmp_path: Path) -> None:
    async with backend(constant({"a": 1})) as first, backend(constant({"error": "no"}, 500)) as second:
        steps = [{"url": first.url, "hard": True}, {"url": second.url, "hard": True}]
        async with router(tmp_path, graph({"type": "Ensemble", "steps": steps})) as running:
            assert await post(running.url, {}) == (500, {"error": "no"})


async def test_a_splitter_follows_its_weights(tmp_path: Path) -> None:
    async with backend(constant("a")) as first, backend(constant("b")) as second:
        steps = [{"url": first.url, "weight": 80}, {"url": second.url, "weight": 20}]
        async with router(tmp_path, graph({"type": "Splitter", "steps": steps})) as running:
            seen = Counter([(await post(running.url, {}))[1] for _ in range(300)])

    assert 200 <= seen["a"] <= 275  # five standard deviations around 240
    assert seen["a"] + seen["b"] == 300


async def test_a_splitter_by_header_sends_one_value_one_way(tmp_path: Path) -> None:
    async with backend(constant("a")) as first, backend(constant("b")) as second:
        steps = [{"url": first.url, "weight": 50}, {"url": second.url, "weight": 50}]
        document = graph({"type": "Splitter", "hashHeader": "X-User", "steps": steps})
        async with router(tmp_path, document) as running:
            ways = [
                {(await post(running.url, {}, {"x-user": str(user)}))[1] for _ in range(4)}
                for user in range(20)
            ]

    assert all(len(way) == 1 for way in ways)
    assert {"a", "b"} == set.union(*ways)


async def test_nodes_lead_to_nodes_and_their_refusals_are_answers(tmp_path: Path) -> None:
    never = {"text": "nope", "path": [["key", "nope"]]}
    async with backend(constant({"a": 1})) as first:
        nodes = {"inner": {"type": "Switch", "steps": [{"url": first.url, "condition": never}]}}
        root = {
            "type": "Ensemble",
            "steps": [{"name": "deep", "node": "inner"}, {"name": "flat", "url": first.url}],
        }
        async with router(tmp_path, graph(root, nodes=nodes)) as running:
            status, body = await post(running.url, {})

    assert (status, body["flat"], body["deep"]["code"]) == (200, {"a": 1}, "no_route")


async def test_headers_of_traces_and_those_asked_for_reach_the_steps_and_no_other(tmp_path: Path) -> None:
    async with backend(echo) as service:
        document = graph(
            {"type": "Sequence", "steps": [{"url": service.url + "/v1/x?y=1", "host": "me"}]},
            headers=["^x-team"],
        )
        async with router(tmp_path, document) as running:
            sent = {
                "X-Team-Name": "red",
                "Authorization": "secret",
                "traceparent": "00-1-2-3",
                "content-type": "a/b",
            }
            async with (
                aiohttp.ClientSession() as client,
                client.post(running.url, data=b"xyz", headers=sent) as reply,
            ):
                assert reply.status == 200

    got = service.seen[0]
    assert (got.path, got.body, got.headers["host"]) == ("/v1/x?y=1", b"xyz", "me")
    assert {
        "x-team-name": "red",
        "traceparent": "00-1-2-3",
        "content-type": "a/b",
    }.items() <= got.headers.items()
    assert "authorization" not in got.headers


async def test_a_trace_of_the_steps_comes_back_when_asked_for(tmp_path: Path) -> None:
    async with backend(constant({}, 503)) as service:
        steps = [{"name": "a", "url": service.url}, {"name": "b", "url": service.url}]
        async with (
            router(tmp_path, graph({"type": "Sequence", "steps": steps})) as running,
            aiohttp.ClientSession() as client,
        ):
            async with client.post(running.url, json={}, headers={"graph-trace": "1"}) as reply:
                trace = reply.headers["graph-trace"]
            async with client.post(running.url, json={}) as reply:
                assert "graph-trace" not in reply.headers

    assert [entry.split(";")[:2] for entry in trace.split(", ")] == [
        ["root.a", "status=503"],
        ["root.b", "status=503"],
    ]


async def test_the_headers_of_a_body_stay_with_it(tmp_path: Path) -> None:
    binary = "content-type: application/octet-stream\r\ninference-header-content-length: 2\r\n"

    async def respond(request: Any) -> bytes:
        return b"HTTP/1.1 200 OK\r\n" + binary.encode() + b"secret: 1\r\ncontent-length: 4\r\n\r\n{}ab"

    async with backend(respond) as first, backend(constant({})) as second:
        steps = [{"url": first.url}, {"url": second.url, "response": True}]
        async with router(tmp_path, graph({"type": "Sequence", "steps": steps})) as running:
            assert await post(running.url, {}) == (200, {})

    assert second.seen[0].headers["inference-header-content-length"] == "2"
    assert second.seen[0].headers["content-type"] == "application/octet-stream"
    assert "secret" not in second.seen[0].headers
