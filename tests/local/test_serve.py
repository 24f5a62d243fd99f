"""The life of `kserve-lite serve`: phases, crashes, ends, and what it leaves behind."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kserve_lite.local import ports
from tests.local.harness import PATIENCE, Serve, descendants, isvc, run, serving, start

pytestmark = pytest.mark.slow

ROW = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
SLOW = """\
import pathlib, time

class Slow:
    def predict(self, rows):
        pathlib.Path({folder!r}, "at-work").touch()
        time.sleep(float(rows[0][0]))
        return [1]
"""


def server_pid(cache: Path) -> int:
    """The process id of the model server itself, not of its guard."""
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().split(b"\0") if process.name.isdecimal() else []
            mine = (
                f"XDG_CACHE_HOME={cache}".encode() in (process / "environ").read_bytes() if words else False
            )
        except OSError:
            continue
        if mine and b"kserve_lite_server" in words and b"-S" not in words:
            return int(process.name)
    raise AssertionError("no server runs")


def until(true: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_phases_come_in_order_and_ready_means_that_the_model_answers(iris: Path, tmp_path: Path) -> None:
    with serving(iris / "isvc.yaml", cache=tmp_path / "cache") as serve:
        ready = serve.phase("default/sklearn-iris", "Ready")
        answer = serve.ask("/v1/models/sklearn-iris:predict", ROW)

    told = [event["phase"] for event in serve.events if event["event"] == "phase"]
    phases = [phase for phase, _ in itertools.groupby(told)]  # Loading is said again when it takes long
    assert phases == ["Resolving", "Downloading", "Loading", "Ready", "Stopping", "Stopped"]
    assert ready["milliseconds"] > 0
    assert answer == (200, {"predictions": [0]})


def test_a_crashed_server_is_started_again(iris: Path, tmp_path: Path) -> None:
    with serving(iris / "isvc.yaml", cache=tmp_path / "cache") as serve:
        serve.listening()
        crashes = len(serve.events)
        os.kill(server_pid(tmp_path / "cache"), signal.SIGKILL)
        restarting = serve.phase("default/sklearn-iris", "Restarting", after=crashes)
        serve.phase("default/sklearn-iris", "Ready", after=crashes)
        again = len(serve.events)
        os.kill(server_pid(tmp_path / "cache"), signal.SIGKILL)
        longer = serve.phase("default/sklearn-iris", "Restarting", after=again)
        serve.phase("default/sklearn-iris", "Ready", after=again)

        assert serve.ask("/v1/models/sklearn-iris:predict", ROW) == (200, {"predictions": [0]})

    assert restarting["detail"] == "in 0.5 s: the server ended with code 137"
    assert longer["detail"].startswith("in 1 s")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_everything_within_two_seconds(
    iris: Path, tmp_path: Path, number: signal.Signals
) -> None:
    cache = tmp_path / "cache"
    with serving(iris / "isvc.yaml", "--watch", cache=cache) as serve:
        serve.listening()
        began = time.monotonic()
        code = serve.end(number)
        took = time.monotonic() - began

    assert code == 0
    assert took < 2
    assert descendants(cache) == []
    assert [path.name for path in (cache / "kserve-lite/serve").iterdir()] == [".lock"]


def test_kill_9_of_the_command_leaves_no_process_and_the_next_start_sweeps_its_folder(
    iris: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    with serving(iris / "isvc.yaml", cache=cache) as serve:
        serve.listening()
        assert len(descendants(cache)) == 3  # the command, the guard, the server
        serve.end(signal.SIGKILL)
        until(lambda: descendants(cache) == [])
        left = {path.name for path in (cache / "kserve-lite/serve").iterdir()}

    with serving(iris / "isvc.yaml", port=serve.port, cache=cache) as serve:
        serve.phase("default/sklearn-iris", "Loading")
        swept = {path.name for path in (cache / "kserve-lite/serve").iterdir()}

    assert len(left - {".lock"}) == len(swept - {".lock"}) == 1
    assert not (left & swept) - {".lock"}


def test_kill_9_of_a_guard_takes_its_server_along(iris: Path, tmp_path: Path) -> None:
    with serving(iris / "isvc.yaml", cache=tmp_path / "cache") as serve:
        serve.listening()
        before = server_pid(tmp_path / "cache")
        events = len(serve.events)
        os.kill(os.getpgid(before), signal.SIGKILL)
        serve.phase("default/sklearn-iris", "Ready", after=events)

        assert server_pid(tmp_path / "cache") != before
        assert not Path(f"/proc/{before}").exists()


def test_a_running_request_is_answered_before_the_end(slow: Path, tmp_path: Path) -> None:
    answers: list[tuple[int, object]] = []
    with serving(slow / "isvc.yaml", cache=tmp_path / "cache") as serve:
        serve.listening()
        body = {"instances": [[0.8]]}
        asking = threading.Thread(target=lambda: answers.append(serve.ask("/v1/models/slow:predict", body)))
        asking.start()
        until(lambda: (slow / "at-work").exists())
        code = serve.end()
        asking.join(PATIENCE)

    assert (code, answers) == (0, [(200, {"predictions": [1]})])


def test_a_second_signal_waits_for_nothing(slow: Path, tmp_path: Path) -> None:
    with serving(slow / "isvc.yaml", cache=tmp_path / "cache") as serve:
        serve.listening()
        url = f"http://127.0.0.1:{serve.port}/v1/models/slow:predict"
        asking = subprocess.Popen(
            ["curl", "-s", "-d", '{"instances": [[30]]}', url], stdout=subprocess.DEVNULL
        )
        until(lambda: (slow / "at-work").exists())
        serve.process.send_signal(signal.SIGINT)
        serve.phase("", "Stopping")
        began = time.monotonic()
        code = serve.end(signal.SIGINT)
        took = time.monotonic() - began
        asking.wait(PATIENCE)
        until(lambda: descendants(tmp_path / "cache") == [])

    assert code == 128 + signal.SIGINT
    assert took < 1


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service whose model takes as many seconds as it is asked to, and leaves a file when it begins."""
    (tmp_path / "slowmodel.py").write_text(SLOW.format(folder=str(tmp_path)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "model").mkdir()
    write = "import joblib, slowmodel; joblib.dump(slowmodel.Slow(), 'model/model.joblib')"
    subprocess.run([sys.executable, "-c", write], cwd=tmp_path, check=True)
    (tmp_path / "isvc.yaml").write_text(isvc("slow", "./model"))
    return tmp_path


def test_a_taken_port_that_was_asked_for_is_an_error_with_a_remedy(iris: Path, tmp_path: Path) -> None:
    with serving(iris / "isvc.yaml", cache=tmp_path / "cache") as serve:
        serve.wait_for(lambda e: e["event"] == "phase")
        done = run("serve", iris / "isvc.yaml", "--port", str(serve.port), cache=tmp_path / "other")

    assert done.returncode == 1
    assert f"Port {serve.port} is in use by another program" in done.stderr
    assert "port_in_use" in done.stderr
    assert "choose another --port" in done.stderr


def test_without_a_port_the_next_free_one_is_taken_and_the_curl_line_says_so(
    iris: Path, tmp_path: Path
) -> None:
    first = start("serve", iris / "isvc.yaml", "--output", "json", cache=tmp_path / "one")
    one = Serve(first, 0)
    try:
        listening = one.listening()
        second = start("serve", iris / "isvc.yaml", "--output", "json", cache=tmp_path / "two")
        two = Serve(second, 0)
        try:
            other = two.listening()
        finally:
            two.end()
    finally:
        one.end()

    assert other["url"] != listening["url"]
    assert int(listening["url"].rpartition(":")[2]) in other["skipped"]
    assert other["url"] in other["try"][0]


def test_a_claim_is_the_folder_that_mount_names_and_is_read_in_place(iris: Path, tmp_path: Path) -> None:
    (tmp_path / "isvc.yaml").write_text(isvc("iris", "pvc://models/sklearn-iris/my-sklearn-model"))

    with serving(
        tmp_path / "isvc.yaml", "--mount", f"models={iris.parent}", cache=tmp_path / "cache"
    ) as serve:
        serve.listening()
        answer = serve.ask("/v1/models/iris:predict", ROW)

    assert answer == (200, {"predictions": [0]})
    assert not [event for event in serve.events if event.get("phase") == "Downloading"]


def test_env_and_arguments_of_the_user_reach_the_server(iris: Path, tmp_path: Path) -> None:
    uri = iris / "my-sklearn-model"
    args = ["--model_name=flowers", "--max_request_bytes=64"]
    env = [{"name": "KSERVE_LOGLEVEL", "value": "ERROR"}]
    resources = {"limits": {"cpu": "2"}}
    (tmp_path / "isvc.yaml").write_text(isvc("iris", uri, args=args, env=env, resources=resources))

    with serving(tmp_path / "isvc.yaml", cache=tmp_path / "cache") as serve:
        serve.listening()
        unused = serve.wait_for(lambda e: e["event"] == "unused")
        small = serve.ask("/v1/models/flowers:predict", ROW)
        large, said = serve.ask("/v1/models/flowers:predict", {"instances": [[5.1, 3.5, 1.4, 0.2]] * 10})

    assert small == (200, {"predictions": [0]})
    assert (large, said["code"]) == (413, "request_too_large")
    assert not [event for event in serve.events if event["event"] == "log"]
    unused = [event["fields"] for event in serve.events if event["event"] == "unused"]
    assert unused == [["spec.predictor.model.resources"]]


def test_two_commands_at_once_do_not_disturb_each_other(iris: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with serving(iris / "isvc.yaml", port=ports.free(1)[0], cache=cache) as one:
        one.listening()
        inner = start(
            "serve", iris / "isvc.yaml", "--port", str(ports.free(1)[0]), "--output", "json", cache=cache
        )
        two = Serve(inner, 0)
        two.listening()
        assert two.end() == 0

        assert one.ask("/v1/models/sklearn-iris:predict", ROW) == (200, {"predictions": [0]})
