"""The harness that measures is right itself: its statistics, its parsing, and that a failed request fails it."""

import dataclasses
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.bench import load, load_h2load, report
from tests.bench.cases import CASES, CEILING, Request, Server
from tests.bench.load import Generator, Load, LoadError
from tests.bench.measure import Cores, Measurement, measure
from tests.bench.servers import ServerError, running

ROOT = Path(__file__).parents[2]
REQUEST = Request("/v1/models/model:predict", b'{"instances": [[1]]}')
REPLY = b'{"predictions": [0]}'
GENERATORS = {generator.name: generator for generator in (load.OWN, load.generator())}


def rate(requests_per_second: int) -> Load:
    return Load(requests=requests_per_second * 2, failed=0, seconds=2.0, p50=1000.0, p99=2000.0)


def measured(subject: list[int], baseline: list[int], ceiling: list[int]) -> Measurement:
    case = dataclasses.replace(CASES[0], connections=(16,), goals={16: 25}, ceiling_share=0.75)
    sides = {case.subject.name: subject, case.baseline.name: baseline, "ceiling": ceiling}
    return Measurement(case, {name: {16: [rate(r) for r in rates]} for name, rates in sides.items()})


def test_a_ratio_compares_loads_of_the_same_round_and_is_the_median_of_the_rounds() -> None:
    (row,) = report.rows(measured([300, 100, 900], [10, 10, 100], [1000, 1000, 1000]))

    assert row.ratio == 10
    assert row.ratio_range == (9, 30)
    assert row.ceiling_share == 0.3
    assert (row.subject_rate, row.baseline_rate, row.subject_p50) == (300, 10, 1)


@pytest.mark.parametrize(
    ("ours", "ceiling", "goal", "verdict"),
    [
        pytest.param(260, 10_000, 25, "met", id="at the goal"),
        pytest.param(240, 10_000, 25, "missed", id="below the goal, far from the ceiling"),
        pytest.param(160, 200, 15, "met", id="below the goal, at its share of the ceiling"),
        pytest.param(140, 200, 15, "missed", id="below its share of the ceiling"),
    ],
)
def test_a_goal_is_met_at_its_ratio_or_at_its_share_of_the_ceiling(
    ours: int, ceiling: int, goal: float, verdict: str
) -> None:
    (row,) = report.rows(measured([ours], [10], [ceiling]))

    assert (row.goal, row.verdict) == (goal, verdict)


def test_a_missed_goal_is_printed_as_missed() -> None:
    assert report.table(measured([10], [10], [1000])).endswith("| 25.0x | missed |")


def test_a_section_replaces_the_one_of_the_same_case_and_leaves_the_rest() -> None:
    document = report.replace(report.replace("# Benchmarks\n", "a", "first\n"), "b", "other\n")

    again = report.replace(document, "a", "second\n")

    assert again == document.replace("first", "second")


def test_a_section_whose_end_is_gone_is_refused() -> None:
    with pytest.raises(ValueError, match="case a"):
        report.replace("<!-- case a -->\nfirst\n", "a", "second\n")


@pytest.mark.parametrize("output", ["", "Segmentation fault", '{"requests": 1}', "[1, 2]"])
def test_output_that_holds_no_result_is_an_error(output: str) -> None:
    with pytest.raises(LoadError, match="no result"):
        load.parse(output)


@pytest.fixture(scope="module")
def ceiling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("ceiling")
    with running(CEILING, REQUEST, folder, REPLY, None, folder) as server:
        assert server.reply == REPLY
        yield server.url(REQUEST)


@pytest.fixture
def failing() -> Iterator[str]:
    class Fails(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Fails) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("generator", GENERATORS.values(), ids=GENERATORS)
def test_a_generator_counts_what_a_server_answered(ceiling: str, generator: Generator) -> None:
    seen = load.run(generator, ceiling, REQUEST.body, REQUEST.headers, 4, 1, None)

    assert seen.failed == 0
    assert seen.requests > 100
    assert 0.9 < seen.seconds < 10
    assert 0 < seen.p50 <= seen.p99


@pytest.mark.parametrize("generator", GENERATORS.values(), ids=GENERATORS)
def test_a_failed_request_fails_the_run(failing: str, generator: Generator) -> None:
    with pytest.raises(LoadError, match=r"[1-9]\d* failed"):
        load.run(generator, failing, REQUEST.body, REQUEST.headers, 2, 1, None)


def test_servers_that_answer_differently_are_not_compared(tmp_path: Path) -> None:
    def says(name: str, reply: str) -> Server:
        return Server(name, lambda launch: [*CEILING.command(launch)[:-1], reply])

    case = dataclasses.replace(
        CASES[0], request=REQUEST, subject=says("one", '{"predictions": [1]}'), baseline=says("two", "[2]")
    )

    with pytest.raises(ServerError, match="two answers"):
        measure(case, load.OWN, Cores(None, None), 1, 1, tmp_path, print)


def test_a_server_that_does_not_start_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    broken = Server("broken", lambda launch: [sys.executable, "-c", "raise SystemExit('no such model')"])

    with (
        pytest.raises(ServerError, match=r"broken does not answer.*exit code 1(?s:.*)no such model"),
        running(broken, REQUEST, tmp_path, b"", None, tmp_path),
    ):
        raise AssertionError("it answered")


def test_the_command_explains_itself() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "tests.bench.http", "--help"], cwd=ROOT, capture_output=True
    )

    assert (shown.returncode, shown.stderr) == (0, b"")


@pytest.mark.parametrize(
    "lock", sorted((ROOT / "tests/bench/peers").glob("*.txt")), ids=lambda path: path.stem
)
def test_peers_load_the_model_file_with_our_version_of_scikit_learn(lock: Path) -> None:
    pin = re.compile(r"^scikit-learn==(\S+)", re.MULTILINE)

    assert pin.findall(lock.read_text()) == pin.findall((ROOT / "requirements/dev.txt").read_text())


H2LOAD = """
finished in 1.00s, 3.00 req/s, 300B/s
requests: 3 total, 3 started, {done} done, {done} succeeded, {failed} failed, 0 errored, 0 timeout
traffic: 1.0KB (1024) total, 100B (100) headers (space savings 90.00%), {data}B ({data}) data
"""
LOG = "1700000000000001\t200\t300\n1700000000000002\t200\t100\n1700000000000003\t200\t200\n"


@pytest.mark.parametrize(
    ("done", "failed", "data", "counted"),
    [
        pytest.param(300, 0, 300 * 60, 0, id="all alike"),
        pytest.param(299, 1, 299 * 60, 1, id="an HTTP status"),
        pytest.param(300, 0, 150 * 60, 150, id="every other reply empty, as gRPC's errors are"),
        pytest.param(300, 0, 0, 300, id="all empty"),
    ],
)
def test_h2loads_report_is_read_and_a_reply_without_data_is_a_failure(
    done: int, failed: int, data: int, counted: int
) -> None:
    text = H2LOAD.format(done=done, failed=failed, data=data)
    found = load_h2load.seen(text, LOG, {"seconds": 1, "reply_bytes": 60})

    assert (found["requests"], found["failed"], found["p50"], found["p99"]) == (done, counted, 200, 300)


def test_a_machine_without_h2load_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(LoadError, match="apt-get install nghttp2-client"):
        load.generator(grpc=True)
