"""Bounds: size of bodies and heads, length of queues, time; clients that leave; many idle connections."""

import re
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.server.models import iris, save, slow
from tests.server.process import Reply, Server, serving, until

pytestmark = pytest.mark.slow

ROW = {"instances": [[5.1, 3.5, 1.4, 0.2]]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def bounded(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("bounded")
    save(slow(), root / "slow")
    save(iris(), root / "iris")
    flags = ["--threads=1", "--max_queue_size=2", "--request_timeout=3", "--max_request_bytes=100000"]
    with serving(root, *flags, "--max_header_bytes=8192", env={"SLOW_PLACE": str(place)}) as server:
        yield server


def speak(server: Server, *parts: bytes) -> bytes:
    """Send bytes as they are, read to the end."""
    with server.connect() as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def asking(server: Server, seconds: float, count: int) -> tuple[list[threading.Thread], list[Reply]]:
    replies: list[Reply] = []
    threads = [
        threading.Thread(
            target=lambda: replies.append(server.post("/v1/models/slow:predict", {"instances": [[seconds]]}))
        )
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    return threads, replies


def test_a_full_queue_is_429_with_retry_after(bounded: Server) -> None:
    threads, replies = asking(bounded, 0.8, 6)
    for thread in threads:
        thread.join()

    assert sorted(reply.status for reply in replies) == [200, 200, 200, 429, 429, 429]
    refused = next(reply for reply in replies if reply.status == 429)
    assert refused.json["code"] == "queue_full"
    assert int(refused.headers["retry-after"]) >= 1


def test_a_request_past_its_time_is_504_and_the_server_lives(bounded: Server) -> None:
    started = time.monotonic()
    reply = bounded.post("/v1/models/slow:predict", {"instances": [[4.5]]})

    assert (reply.status, reply.json["code"]) == (504, "deadline_exceeded")
    assert 2.9 < time.monotonic() - started < 4.4
    assert bounded.post("/v1/models/iris:predict", ROW).status == 200


def test_a_client_that_leaves_frees_its_place_in_the_queue(bounded: Server, place: Path) -> None:
    until(lambda: bounded.post("/v1/models/slow:predict", {"instances": [[0]]}).status == 200)
    threads, _ = asking(bounded, -1, 1)
    until((place / "begun").exists)
    body = b'{"instances": [[0]]}'
    head = b"POST /v1/models/slow:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    leaving = [bounded.connect() for _ in range(2)]
    for connection in leaving:
        connection.sendall(head + body)
    until(lambda: bounded.post("/v1/models/slow:predict", {"instances": [[0]]}).status == 429)
    for connection in leaving:
        connection.close()
    until(lambda: waits(bounded, head + body))
    (place / "go").touch()
    for thread in threads:
        thread.join()

    (place / "go").unlink()
    (place / "begun").unlink()
    until(lambda: bounded.post("/v1/models/slow:predict", {"instances": [[0]]}).status == 200)


def waits(server: Server, request: bytes) -> bool:
    """Whether a request is let into the queue, rather than refused at once."""
    with server.connect() as connection:
        connection.sendall(request)
        connection.settimeout(0.5)
        try:
            return not connection.recv(1000).startswith(b"HTTP/1.1 429")
        except TimeoutError:
            return True


def test_a_large_body_is_413_whether_it_says_its_size_or_not(bounded: Server) -> None:
    said = bounded.post("/v1/models/iris:predict", b"x" * 100_001)
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    head = b"POST /v1/models/iris:predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with bounded.connect() as connection:
        connection.sendall(head + chunk * 4)
        unsaid = connection.recv(65536)

    assert (said.status, said.json["code"]) == (413, "request_too_large")
    assert unsaid.startswith(b"HTTP/1.1 413")


def test_a_small_body_that_grows_beyond_the_limit_is_413(bounded: Server) -> None:
    import gzip

    reply = bounded.post("/v1/models/iris:predict", gzip.compress(b" " * 10_000_000), Content_Encoding="gzip")

    assert reply.status == 413


@pytest.mark.parametrize("chunks", [1, 50])
def test_a_large_head_is_431(bounded: Server, chunks: int) -> None:
    header = b"X: " + b"a" * (10_000 // chunks) * chunks
    pieces = [header[i : i + len(header) // chunks] for i in range(0, len(header), len(header) // chunks)]

    with bounded.connect() as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # the server need not hear it out
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            for piece in pieces[:45]:
                connection.sendall(piece)
            if chunks == 1:
                connection.sendall(b"\r\n\r\n")
        received = connection.recv(65536)

    assert received.startswith(b"HTTP/1.1 431"), received
    assert b"headers_too_large" in received


def test_what_is_not_http_is_400_in_json(bounded: Server) -> None:
    received = speak(bounded, b"NONSENSE\r\n\r\n")

    assert received.startswith(b"HTTP/1.1 400")
    assert b'"code":"bad_request"' in received


def test_requests_in_a_row_on_one_connection_are_answered_in_order(bounded: Server) -> None:
    one = b"GET /v2/models/%s/ready HTTP/1.1\r\nHost: x\r\n%s\r\n"
    received = speak(
        bounded, one % (b"iris", b""), one % (b"nope", b""), one % (b"slow", b"Connection: close\r\n")
    )

    assert received.index(b'"name":"iris"') < received.index(b"nope") < received.index(b'"name":"slow"')


def test_a_client_that_waits_for_100_continue_gets_it(bounded: Server) -> None:
    body = b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}'
    with bounded.connect() as connection:
        connection.sendall(
            b"POST /v1/models/iris:predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
            % len(body)
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        received = b""
        while b"predictions" not in received and (chunk := connection.recv(65536)):
            received += chunk
        assert b'{"predictions":[0]}' in received


def test_a_body_that_does_not_arrive_is_408(bounded: Server) -> None:
    received = speak(
        bounded, b"POST /v1/models/iris:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    )

    assert received.startswith(b"HTTP/1.1 408")


def test_the_limit_of_open_files_is_raised_to_the_hard_one(tmp_path: Path) -> None:
    save(iris(), tmp_path)
    with serving(tmp_path, within=("prlimit", "--nofile=256:4096")) as server:
        limits = Path(f"/proc/{server.process.pid}/limits").read_text()

    assert re.search(r"Max open files +4096 +4096", limits)


def test_5000_idle_connections_cost_little_and_disturb_nobody(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    save(iris(), tmp_path)
    with serving(tmp_path, "--model_name=iris") as server:
        assert server.post("/v1/models/iris:predict", ROW).status == 200
        before = memory(server)
        idle: list[socket.socket] = []
        try:
            for _ in range(5000):
                connection = server.connect()
                connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
                idle.append(connection)
            for connection in idle:
                assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            assert server.post("/v1/models/iris:predict", ROW).status == 200
            assert memory(server) - before < 100
        finally:
            for connection in idle:
                connection.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory(server: Server) -> float:
    """Resident megabytes of the server."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024
