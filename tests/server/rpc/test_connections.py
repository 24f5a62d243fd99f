"""Connections that break HTTP/2's rules, bring nothing, read nothing or stay for ever: each costs itself only."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.server.models import IRIS, iris, save, slow
from tests.server.process import until
from tests.server.rpc.client import Both, Input, both, request
from tests.server.rpc.wire import EMPTY, INFER, LIVE, Wire, frame, framed, headers, raw, wire

pytestmark = pytest.mark.slow

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HELLO = PREFACE + frame(4, 0, 0)
# :method POST, :scheme http, :path /, of the static table.
OPEN = b"\x83\x86\x84"
PROTOCOL, FLOW, CLOSED, SIZE, REFUSED, COMPRESSION, CALM = 1, 3, 5, 6, 7, 9, 11


@pytest.fixture(scope="module")
def running(pair: Path) -> Iterator[Both]:
    with both(pair) as server:
        yield server
        assert "Traceback" not in server.rest.log()


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", PROTOCOL, id="HTTP/1.1"),
        pytest.param(PREFACE[:20] + b"nonsense", PROTOCOL, id="nearly the preface"),
        pytest.param(PREFACE + frame(6, 0, 0, bytes(8)), PROTOCOL, id="no settings first"),
        pytest.param(HELLO + frame(0, 0, 0, b"x"), PROTOCOL, id="data of no stream"),
        pytest.param(HELLO + frame(0, 0, 1, b"x"), PROTOCOL, id="data of a stream to come"),
        pytest.param(HELLO + frame(0, 8, 1, b"\x05x"), PROTOCOL, id="more padding than frame"),
        pytest.param(HELLO + b"\xff\xff\xff\0\0\0\0\0\1", SIZE, id="a frame of 16 MiB"),
        pytest.param(HELLO + frame(1, 4, 2, OPEN), PROTOCOL, id="a stream of the server's"),
        pytest.param(HELLO + frame(1, 4, 1, b"\xff\xff\xff\xff\xff"), COMPRESSION, id="headers of nothing"),
        pytest.param(HELLO + frame(1, 4, 1, b"\xfe"), COMPRESSION, id="headers beyond the table"),
        pytest.param(
            HELLO + frame(1, 0, 1, OPEN) + frame(6, 0, 0, bytes(8)), PROTOCOL, id="a ping in headers"
        ),
        pytest.param(HELLO + frame(9, 4, 1, OPEN), PROTOCOL, id="continuation of nothing"),
        pytest.param(HELLO + frame(1, 36, 1, b"\0\0\0\1\0" + OPEN), PROTOCOL, id="a stream on itself"),
        pytest.param(HELLO + frame(2, 0, 1, bytes(4)), SIZE, id="half a priority"),
        pytest.param(HELLO + frame(3, 0, 1, bytes(4)), PROTOCOL, id="reset of nothing"),
        pytest.param(HELLO + frame(4, 0, 1), PROTOCOL, id="settings of a stream"),
        pytest.param(HELLO + frame(4, 0, 0, b"12345"), SIZE, id="half a setting"),
        pytest.param(HELLO + frame(4, 0, 0, struct.pack(">HI", 4, 2**31)), FLOW, id="a window too large"),
        pytest.param(HELLO + frame(4, 0, 0, struct.pack(">HI", 5, 1)), PROTOCOL, id="a frame size too small"),
        pytest.param(HELLO + frame(5, 4, 1, bytes(8)), PROTOCOL, id="a promise"),
        pytest.param(HELLO + frame(6, 0, 0, bytes(7)), SIZE, id="half a ping"),
        pytest.param(HELLO + frame(7, 0, 0, bytes(4)), SIZE, id="half a goodbye"),
        pytest.param(HELLO + frame(8, 0, 0, bytes(4)), PROTOCOL, id="room for nothing"),
        pytest.param(HELLO + frame(8, 0, 0, b"\x7f\xff\xff\xff"), FLOW, id="room beyond all bounds"),
        pytest.param(HELLO + frame(8, 0, 1, b"\0\0\0\1"), PROTOCOL, id="room for a stream to come"),
        pytest.param(HELLO + frame(1, 5, 1, OPEN) + frame(1, 5, 1, OPEN), CLOSED, id="headers after the end"),
    ],
)
def test_a_broken_rule_ends_the_connection_with_its_reason(running: Both, sent: bytes, reason: int) -> None:
    assert raw(running.port, sent)[0] == reason


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([frame(6, 0, 0, bytes(8))] * 20_000, id="pings"),
        pytest.param([frame(4, 0, 0)] * 20_000, id="settings"),
        pytest.param([frame(2, 0, 1, bytes(5))] * 20_000, id="priorities"),
        pytest.param([frame(0xFA, 0, 0, b"?")] * 20_000, id="frames of no known kind"),
        pytest.param([frame(1, 4, 1, OPEN), *[frame(0, 0, 1)] * 20_000], id="data without data"),
        pytest.param(
            [frame(1, 5, n, OPEN) + frame(3, 0, n, bytes(4)) for n in range(1, 40_000, 2)], id="rapid resets"
        ),
        pytest.param([frame(1, 0, 1, OPEN), *[frame(9, 0, 1)] * 20_000], id="continuations without headers"),
        pytest.param([frame(1, 0, 1, OPEN), *[frame(9, 0, 1, bytes(16384))] * 60], id="headers without end"),
        pytest.param(
            [frame(1, 4, 1, OPEN + b"\x40\x01a\x7f\xa1\x1e" + b"b" * 4000 + b"\xbe" * 9999)],
            id="headers that grow",
        ),
    ],
)
def test_a_flood_of_frames_that_bring_nothing_ends_the_connection(running: Both, sent: list[bytes]) -> None:
    assert raw(running.port, HELLO, b"".join(sent))[0] == CALM
    with wire(running.port) as client:
        assert client.call(LIVE, EMPTY).status == 0


def test_what_concerns_one_stream_only_ends_that_one(running: Both) -> None:
    with wire(running.port) as client:
        upper = client.open([*headers(LIVE), ("X-Upper", "1")])
        twice = client.open([*headers(LIVE), (":path", LIVE)])
        kept = client.open([*headers(LIVE), ("connection", "keep-alive")])
        short = client.open([*headers(LIVE), ("content-length", "9")])
        client.send(short, EMPTY, end=True)

        assert [client.result(number).reset for number in (upper, twice, kept, short)] == [PROTOCOL] * 4
        assert client.call(LIVE, EMPTY).status == 0


def test_a_thousand_calls_at_once_are_answered_and_the_next_is_refused(running: Both) -> None:
    message = framed(request("iris", [Input("x", "FP64", IRIS.data[:1])], raw=True).SerializeToString())
    with wire(running.port) as client:
        client.until(lambda: client.h2.remote_settings.max_concurrent_streams == 1000)
        numbers = [client.open(headers(INFER), flush=False) for _ in range(1000)]
        client.flush()
        client.h2.remote_settings._settings[3][0] = 2000  # so that h2 itself lets one more go
        over = client.open(headers(INFER))
        assert client.result(over).reset == REFUSED
        for number in numbers:
            client.send(number, message, end=True, flush=False)
        client.flush()

        assert {client.result(number).status for number in numbers} == {0}


def test_a_client_that_reads_nothing_costs_no_more_than_a_bound(running: Both) -> None:
    rows = np.resize(IRIS.data, (30_000, 4))
    message = framed(request("scaler", [Input("x", "FP64", rows)], raw=True).SerializeToString())
    with wire(running.port) as client:
        assert len(client.call(INFER, message).data) > 950_000
    before = memory(running)
    with wire(running.port, window=0, reads=False) as client:
        client.socket.settimeout(1)
        numbers: list[int] = []
        with pytest.raises(TimeoutError):  # there is no more room for calls
            begin(client, message, 100, numbers)
        client.socket.settimeout(30)
        del numbers[-1]
        with wire(running.port) as other:
            assert other.call(LIVE, EMPTY).status == 0
        assert memory(running) - before < 80 << 20

        client.reads = True
        for number in numbers:
            client.h2.increment_flow_control_window(2_000_000, number)
        client.h2.increment_flow_control_window(100_000_000)
        client.flush()
        assert {client.result(number).status for number in numbers} == {0}


def begin(client: Wire, message: bytes, count: int, numbers: list[int]) -> None:
    for _ in range(count):
        numbers.append(client.open(headers(INFER), flush=False))
        client.send(numbers[-1], message, end=True)


def memory(running: Both) -> int:
    status = Path(f"/proc/{running.rest.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def test_a_client_that_takes_its_leave_is_still_answered(running: Both) -> None:
    message = framed(request("iris", [Input("x", "FP64", IRIS.data[:1])], raw=True).SerializeToString())
    with wire(running.port) as client:
        number = client.open(headers(INFER))
        client.socket.sendall(frame(7, 0, 0, bytes(8)))
        client.send(number, message, end=True)

        assert client.result(number).status == 0
        assert client.ending() == 0


def test_the_end_is_told_first_and_what_runs_is_answered(tmp_path: Path) -> None:
    save(slow(), tmp_path / "slow")
    hang = framed(request("slow", [Input("x", "FP64", np.array([[-1.0]]))], raw=True).SerializeToString())
    with both(tmp_path, env={"SLOW_PLACE": str(tmp_path)}) as server, wire(server.port) as client:
        with wire(server.port) as idle:
            assert idle.call(LIVE, EMPTY).status == 0
            number = client.open(headers(INFER))
            client.send(number, hang, end=True)
            until((tmp_path / "begun").exists)

            server.rest.process.terminate()

            idle.until(lambda: idle.gone)
            assert idle.gone == [(0, 2**31 - 1)]
        with wire(server.port) as late:  # who has not heard yet that this server is no more to be asked
            assert late.call(LIVE, EMPTY).status == 0
        client.until(lambda: client.gone)
        assert client.gone == [(0, 2**31 - 1)]
        (tmp_path / "go").touch()
        received = b""
        while chunk := client.socket.recv(65536):
            received += chunk
        assert b"grpc-status\x010" in received
        assert received[-17:-8] == b"\0\0\x08\x07\0\0\0\0\0"  # the last frame is a GOAWAY
        assert server.rest.process.wait(20) == 0


def test_a_connection_that_asks_nothing_is_ended_and_a_call_that_does_not_come_is_refused(
    tmp_path: Path,
) -> None:
    save(iris(), tmp_path / "iris")
    with (
        both(tmp_path, "--keep_alive_timeout=1", "--request_timeout=1") as server,
        wire(server.port) as idle,
        wire(server.port) as half,
    ):
        number = half.open(headers(INFER))
        half.send(number, EMPTY[:3])

        assert half.result(number).status == 4
        assert "in time" in half.streams[number].said
        assert idle.ending() == 0
