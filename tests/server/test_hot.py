"""The short way of plain requests on the wire: whole, split, pipelined, mixed with others, abandoned."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.server.models import IRIS
from tests.server.process import Server, serving, until

PATH = "/v1/models/iris:predict"
INFER = "/v2/models/iris/infer"


@pytest.fixture(scope="module")
def hot(servers: Callable[[str], Server]) -> Server:
    return servers("true")


@pytest.fixture(scope="module")
def cold(servers: Callable[[str], Server]) -> Server:
    return servers("false")


@pytest.fixture(scope="module")
def patient(model_root: Path) -> Iterator[Server]:
    """Waits for others, and takes three at most."""
    with serving_iris(model_root, "--max_latency=200", "--max_batch_size=3") as running:
        yield running


def serving_iris(model_root: Path, *flags: str) -> Any:
    """A server of its own, of one model: it starts sooner than one of all."""
    return serving(model_root / "iris", "--model_name=iris", *flags)


def body(row: Any) -> bytes:
    return json.dumps({"instances": [np.asarray(row).tolist()]}).encode()


def post(content: bytes, path: str = PATH, *lines: str) -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: here", "Content-Type: application/json", *lines]
    return "\r\n".join([*head, f"Content-Length: {len(content)}", "", ""]).encode() + content


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode()


def replies(connection: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """Read that many replies: status and body."""
    found: list[tuple[int, bytes]] = []
    data = b""
    while len(found) < count:
        head, separator, rest = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head) if separator else None
        if length is not None and len(rest) >= int(length[1]):
            found.append((int(head.split()[1]), rest[: int(length[1])]))
            data = rest[int(length[1]) :]
            continue
        piece = connection.recv(65536)
        assert piece, f"the connection ended after {len(found)} of {count} replies"
        data += piece
    assert data == b""
    return found


def counted(server: Server) -> dict[str, str]:
    """Answers by their status, as the metrics have them."""
    text = server.get("/metrics").body.decode()
    return dict(re.findall(r'kserve_lite_requests_total\{code="(\d+)",.*model_name="iris".*\} (\d+)', text))


def labels(model: Any, rows: Any) -> list[bytes]:
    return [b'{"predictions":[%d]}' % model.predict([row])[0] for row in rows]


def test_pipelined_requests_are_answered_in_their_order(hot: Server, models: dict[str, Any]) -> None:
    rows = IRIS.data[::2]
    with hot.connect() as connection:
        connection.sendall(b"".join(post(body(row)) for row in rows))
        assert [reply for _, reply in replies(connection, len(rows))] == labels(models["iris"], rows)


def test_plain_and_other_requests_on_one_connection_keep_their_order(hot: Server) -> None:
    wanted = [post(body(IRIS.data[0])), get("/v1/models/iris"), post(body(IRIS.data[1])), get("/nowhere")]
    with hot.connect() as connection:
        connection.sendall(b"".join(wanted * 5))
        answers = replies(connection, 20)
    assert [status for status, _ in answers] == [200, 200, 200, 404] * 5
    assert [b"predictions" in text for _, text in answers] == [True, False, True, False] * 5


def test_a_request_after_a_slow_one_waits_for_its_turn(hot: Server) -> None:
    slow = post(b'{"instances": [[0.3]]}', "/v1/models/slow:predict")
    with hot.connect() as connection:
        connection.sendall(slow + post(b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}') + get("/v2/health/live"))
        first, second, third = replies(connection, 3)
    assert (first[1], second[1], third[1]) == (
        b'{"predictions":[0]}',
        b'{"predictions":[0]}',
        b'{"live":true}',
    )


@pytest.mark.parametrize("step", [1, 7, 60])
def test_a_request_may_come_in_pieces(hot: Server, models: dict[str, Any], step: int) -> None:
    whole = post(body(IRIS.data[120])) * 2
    with hot.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(whole), step):
            connection.sendall(whole[start : start + step])
        assert [reply for _, reply in replies(connection, 2)] == labels(models["iris"], IRIS.data[[120, 120]])


@pytest.mark.parametrize("pause", [0.0, 0.3], ids=["at once", "later than the short way waits"])
def test_a_known_head_waits_for_its_body(hot: Server, models: dict[str, Any], pause: float) -> None:
    whole = post(body(IRIS.data[120]), PATH, f"User-Agent: {pause}")
    expected = [(200, labels(models["iris"], IRIS.data[[120]])[0])]
    with hot.connect() as connection:
        for _ in range(3):
            for piece in (whole[:-40], whole[-40:-20], whole[-20:]):
                connection.sendall(piece)
                time.sleep(pause)
            assert replies(connection, 1) == expected


def test_a_connection_is_not_idle_while_a_body_is_on_its_way(model_root: Path) -> None:
    whole = post(body(IRIS.data[0]))
    with serving_iris(model_root, "--keep_alive_timeout=1") as server:
        while True:
            with server.connect() as connection:
                began = time.monotonic()
                connection.sendall(whole)
                replies(connection, 1)
                time.sleep(began + 0.95 - time.monotonic())
                connection.sendall(whole[:-5])
                if time.monotonic() > began + 0.99:
                    continue  # this test was late itself: the connection may be idle for too long
                time.sleep(0.08)  # past the second, and shorter than the short way waits
                connection.sendall(whole[-5:])
                assert replies(connection, 1)[0][0] == 200
                break


def test_a_client_that_leaves_in_the_midst_of_a_body_is_counted(model_root: Path) -> None:
    whole = post(body(IRIS.data[0]))
    with serving_iris(model_root) as server:
        for sent in (whole, whole[:-5], whole[:-5]):
            with server.connect() as connection:
                connection.sendall(sent)
                if sent == whole:
                    replies(connection, 1)
        until(lambda: counted(server) == {"200": "1", "499": "2"})


def test_a_request_that_is_half_here_when_the_server_goes_is_answered(model_root: Path) -> None:
    whole = post(body(IRIS.data[0]))
    with serving_iris(model_root) as server, server.connect() as connection:
        connection.sendall(whole)
        replies(connection, 1)
        connection.sendall(whole[:-5])
        server.get("/v2/health/live")  # what was sent before is read before
        server.process.terminate()
        until(lambda: "ending: 1 requests are running" in server.log())
        connection.sendall(whole[-5:])

        assert replies(connection, 1)[0][0] == 200


def test_heads_and_bodies_of_changing_length_are_told_apart(hot: Server, models: dict[str, Any]) -> None:
    rows = [[5, 3, 1, 0], [5.123456789, 3.5, 1.4, 0.2], [6, 3, 5, 2], [5, 3, 1, 0]] * 3
    with hot.connect() as connection:
        for row, expected in zip(rows, labels(models["iris"], rows), strict=True):
            connection.sendall(post(body(row)))
            assert replies(connection, 1) == [(200, expected)]


def test_a_bad_request_between_good_ones_harms_only_itself(hot: Server, models: dict[str, Any]) -> None:
    good, bad = (
        body(IRIS.data[0]),
        [b'{"instances": [[1, 2]]}', b'{"instances": [[1, 2, 3, "x"]]}', b"{", b"[]"],
    )
    with hot.connect() as connection:
        connection.sendall(b"".join(post(good) + post(wrong) for wrong in bad) + post(good))
        answers = replies(connection, 2 * len(bad) + 1)
    assert [status for status, _ in answers] == [200, 400] * len(bad) + [200]
    assert {text for status, text in answers if status == 200} == set(labels(models["iris"], IRIS.data[:1]))
    assert all(b'"code"' in text for status, text in answers if status == 400)


def test_a_model_that_is_unloaded_after_a_refusal_answers_no_more(model_root: Path) -> None:
    good = b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}'
    refused = good[:-1] + b"]"
    with serving_iris(model_root) as server, server.connect() as connection:
        for content, status in ((good, 200), (refused, 400)):
            connection.sendall(post(content))
            assert replies(connection, 1)[0][0] == status
        connection.sendall(post(b"", "/v2/repository/models/iris/unload"))
        assert replies(connection, 1)[0][0] == 200

        connection.sendall(post(good))

        assert replies(connection, 1)[0][0] == 404


def test_a_client_that_leaves_before_its_answer_harms_nobody(hot: Server, models: dict[str, Any]) -> None:
    expected = labels(models["iris"], IRIS.data[:1])[0]
    for _ in range(30):
        leaving, staying = hot.connect(), hot.connect()
        leaving.sendall(post(body(IRIS.data[0])) * 3)
        leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        leaving.close()  # with a reset
        staying.sendall(post(body(IRIS.data[0])))
        assert replies(staying, 1) == [(200, expected)]
        staying.close()


def test_a_client_that_has_ended_its_side_is_still_answered(hot: Server) -> None:
    with hot.connect() as connection:
        connection.sendall(post(body(IRIS.data[0])))
        connection.shutdown(socket.SHUT_WR)
        assert replies(connection, 1)[0][0] == 200


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["Connection: close"], id="close"),
        pytest.param(["Accept-Encoding: gzip"], id="compression"),
        pytest.param(["Connection: keep-alive", "User-Agent: x", "Accept: */*"], id="usual headers"),
        pytest.param(["traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"], id="trace"),
        pytest.param(["ce-specversion: 1.0", "ce-id: 1", "ce-source: here", "ce-type: question"], id="event"),
        pytest.param(["X-Something: else"], id="unknown header"),
    ],
)
@pytest.mark.parametrize("path", [PATH, INFER])
def test_both_ways_answer_alike_whatever_the_headers(
    hot: Server, cold: Server, path: str, lines: list[str]
) -> None:
    tensor = b'{"id":"7","inputs":[{"name":"x","shape":[1,4],"datatype":"FP64","data":[5.1,3.5,1.4,0.2]}]}'
    question = post(tensor if path == INFER else body(IRIS.data[0]), path, *lines)
    answers = []
    for server in (hot, cold):
        with server.connect() as connection:
            for _ in range(1 if "Connection: close" in lines else 3):
                connection.sendall(question)
                answers.append(replies(connection, 1)[0])
    assert {status for status, _ in answers} == {200}
    assert len({text for _, text in answers}) == 1


ROWS = np.tile(IRIS.data[::30], (400, 1))  # 2,000 rows, 64,000 bytes as FP64
WRONG = np.array([[1.0, 2.0]])
RAW = [
    pytest.param(ROWS[:1], "FP64", {}, id="a row"),
    pytest.param(ROWS, "FP64", {}, id="many rows"),
    pytest.param(np.tile(ROWS, (5, 1)), "FP64", {}, id="more than the short way takes"),
    pytest.param(ROWS[:3].astype("f4"), "FP32", {}, id="narrow floats"),
    pytest.param(ROWS[:3].astype("f2"), "FP16", {}, id="half floats"),
    pytest.param(ROWS[:3].astype("i8"), "INT64", {}, id="whole numbers"),
    pytest.param(ROWS[:3] > 2, "BOOL", {}, id="flags"),
    pytest.param(np.full((1, 4), 7, "u1"), "BOOL", {}, id="no flags"),
    pytest.param(np.array([[np.nan, 1, 2, 3]]), "FP64", {}, id="NaN"),
    pytest.param(ROWS[:3], "FP64", {"parameters": {"binary_data_output": True}}, id="binary answer"),
    pytest.param(ROWS[:3], "FP64", {"outputs": [{"name": "predict_proba"}]}, id="another method"),
    pytest.param(ROWS[:3], "FP32", {}, id="too many bytes"),
    pytest.param(ROWS[:3].astype("f4"), "FP64", {}, id="too few bytes"),
    pytest.param(ROWS[:3], "BYTES", {}, id="no text"),
    pytest.param(WRONG, "FP64", {}, id="other columns"),
    pytest.param(ROWS[:0], "FP64", {}, id="no rows"),
]


@pytest.mark.parametrize(("rows", "datatype", "more"), RAW)
@pytest.mark.parametrize("claim", [0, 1, -1, 10**6, None], ids=lambda claim: f"length{claim or ''}")
def test_binary_tensors_are_answered_alike_on_both_ways(
    hot: Server, cold: Server, rows: Any, datatype: str, more: dict[str, Any], claim: int | None
) -> None:
    raw = rows.tobytes()
    size = {"binary_data_size": len(raw)}
    tensor = {"name": "x", "shape": list(rows.shape), "datatype": datatype, "parameters": size}
    head = json.dumps({"id": "7", "inputs": [tensor], **more}).encode()
    length = "many" if claim is None else str(len(head) + claim)
    question = post(head + raw, INFER, f"Inference-Header-Content-Length: {length}")
    answers = []
    for server in (hot, cold):
        with server.connect() as connection:
            for _ in range(3):
                connection.sendall(question)
                answers.append(replies(connection, 1)[0])
    assert len(set(answers)) == 1
    assert (answers[0][0] == 200) <= (claim == 0)


def test_chunked_and_expecting_clients_are_answered(hot: Server) -> None:
    content = body(IRIS.data[0])
    with hot.connect() as connection:
        connection.sendall(
            b"POST %s HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
            % (PATH.encode(), len(content), content)
        )
        assert replies(connection, 1)[0][0] == 200
        whole = post(content, PATH, "Expect: 100-continue")
        connection.sendall(whole[: -len(content)])
        assert connection.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(content)
        assert replies(connection, 1)[0][0] == 200


def test_an_old_client_gets_its_answer_and_the_end(hot: Server) -> None:
    with hot.connect() as connection:
        connection.sendall(post(body(IRIS.data[0])).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert replies(connection, 1)[0][0] == 200
        assert connection.recv(1) == b""


def test_rows_that_are_answered_together_keep_their_own_bits(
    model_root: Path, models: dict[str, Any]
) -> None:
    rows = np.random.default_rng(3).normal(3, 2, size=(60, 4))
    expected = [models["iris"].predict_proba(row[None])[0].tolist() for row in rows]
    with serving_iris(model_root, "--method=predict_proba") as server, server.connect() as connection:
        connection.sendall(b"".join(post(body(row.tolist())) for row in rows))
        answers = [json.loads(text)["predictions"][0] for _, text in replies(connection, len(rows))]
    assert answers == expected


def test_many_clients_at_once_get_their_own_answers(hot: Server, models: dict[str, Any]) -> None:
    expected = labels(models["iris"], IRIS.data)
    wrong: list[int] = []

    def client(start: int) -> None:
        with hot.connect() as connection:
            for number in range(start, len(expected), 16):
                connection.sendall(post(body(IRIS.data[number])))
                if replies(connection, 1) != [(200, expected[number])]:
                    wrong.append(number)

    threads = [threading.Thread(target=client, args=(start,)) for start in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_model_that_may_wait_answers_what_has_come_in_time_or_when_it_is_full(patient: Server) -> None:
    question = post(body(IRIS.data[0]))
    with patient.connect() as connection:
        connection.sendall(question * 7)
        assert [status for status, _ in replies(connection, 7)] == [200] * 7
        connection.sendall(question + get("/v2/health/live"))
        assert [b"predictions" in text for _, text in replies(connection, 2)] == [True, False]


def test_the_limit_for_bodies_holds_on_the_short_way(model_root: Path) -> None:
    one = body(IRIS.data[0])
    with (
        serving_iris(model_root, f"--max_request_bytes={len(one)}") as running,
        running.connect() as connection,
    ):
        connection.sendall(post(one) + post(one) + post(one + b" "))
        *allowed, refused = replies(connection, 3)

    assert [status for status, _ in allowed] == [200, 200]
    assert (refused[0], json.loads(refused[1])["code"]) == (413, "request_too_large")


def test_requests_on_the_short_way_are_counted_and_logged(model_root: Path) -> None:
    with serving_iris(model_root) as server:
        with server.connect() as connection:
            connection.sendall(post(body(IRIS.data[0])) * 10 + post(b'{"instances": [[1]]}'))
            replies(connection, 11)
        text = server.get("/metrics").body.decode()
        numbers = counted(server)
        line = next(line for line in server.lines if "iris:predict 200" in line)
    assert numbers == {"200": "10", "400": "1"}
    assert re.search(r'kserve_lite_request_seconds_count\{model_name="iris",protocol="v1"\} 11', text)
    assert '"rows":1' in line


def test_log_and_metadata_say_what_answers_each_method_and_why(hot: Server) -> None:
    kernels = hot.get("/v2/models/multi_label").json["parameters"]["kernels"]
    assert kernels["predict"] == "joined forest (bit for bit)"
    assert (
        hot.get("/v2/models/mixed").json["parameters"]["kernels"]["predict"].startswith("columns > linear (")
    )
    assert "model iris: predict is answered by linear (bit for bit)" in hot.log()


def test_a_request_that_waits_for_others_is_in_flight(patient: Server) -> None:
    with patient.connect() as connection:
        connection.sendall(post(body(IRIS.data[0])))
        scraped = patient.get("/metrics").body
        assert replies(connection, 1)[0][0] == 200

    assert b"kserve_lite_requests_in_flight 2.0" in scraped
    assert b"kserve_lite_requests_in_flight 1.0" in patient.get("/metrics").body


def test_a_trace_and_a_request_id_change_no_answer(hot: Server, models: dict[str, Any]) -> None:
    with hot.connect() as connection:
        for number, row in enumerate(IRIS.data[::10]):
            parent = f"traceparent: 00-0af7651916cd43dd8448eb211c8031{number:02x}-b7ad6b7169203331-01"
            connection.sendall(post(body(row), PATH, parent, f"X-Request-Id: r{number}"))
            assert replies(connection, 1) == [(200, labels(models["iris"], [row])[0])]
