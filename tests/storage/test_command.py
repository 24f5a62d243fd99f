"""The command, as an init container or `kserve-lite serve` starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.storage.faults import Faults, serving
from tests.storage.support import contents


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kserve_lite_server.storage", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_source_lands_in_its_folder_and_the_last_line_says_so(model: Path, tmp_path: Path) -> None:
    done = run(str(model), str(tmp_path / "a"), str(model / "sub"), str(tmp_path / "b"))

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert contents(tmp_path / "a") == contents(model)
    assert contents(tmp_path / "b") == contents(model / "sub")
    assert [line["uri"] for line in lines if line["phase"] == "done"] == [str(model), str(model / "sub")]
    assert {"bytes", "files", "seconds"} <= lines[-1].keys()
    assert {"bytes", "total", "files", "rate", "remaining"} <= lines[0].keys()


def test_a_failure_is_one_line_with_code_message_and_remedy(tmp_path: Path) -> None:
    done = run(str(tmp_path / "missing"), str(tmp_path / "dest"))

    assert done.returncode == 1
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["phase"] == "failed"
    assert last["code"] == "not_found"
    assert last["message"]
    assert last["remedy"]
    assert "Traceback" not in done.stderr


def test_the_last_word_goes_to_the_termination_log(model: Path, tmp_path: Path) -> None:
    log = tmp_path / "termination-log"
    log.touch()

    run(str(model), str(tmp_path / "dest"), STORAGE_TERMINATION_LOG=str(log))
    assert json.loads(log.read_text())["phase"] == "done"

    run("nosuch://x", str(tmp_path / "dest"), STORAGE_TERMINATION_LOG=str(log))
    assert json.loads(log.read_text())["code"] == "unsupported_scheme"


@pytest.mark.parametrize("arguments", [(), ("only-one",), ("a", "b", "c")])
def test_an_odd_command_line_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)

    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert done.stdout == ""


def test_a_setting_that_cannot_be_read_names_its_variable(model: Path, tmp_path: Path) -> None:
    done = run(str(model), str(tmp_path / "dest"), STORAGE_RETRIES="many")

    assert done.returncode == 1
    assert "STORAGE_RETRIES" in json.loads(done.stdout)["message"]


def test_a_terminal_gets_a_bar_and_a_pipe_a_line_a_second(tmp_path: Path) -> None:
    """Two seconds and more of a slow server: the bar is drawn on stderr, stdout is for programs."""
    master, terminal = os.openpty()
    with serving(Faults(content=os.urandom(2 << 20), delay=0.07)) as web, os.fdopen(master, "rb") as screen:
        process = subprocess.Popen(
            [sys.executable, "-m", "kserve_lite_server.storage", f"{web.address}/m.bin", str(tmp_path / "d")],
            stdout=subprocess.PIPE,
            stderr=terminal,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
        )
        os.close(terminal)
        drawn = read_to_the_end(screen)
        out, _ = process.communicate(timeout=60)

    lines = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0
    assert "\r\x1b[K[####" in drawn
    assert "MiB/s" in drawn or "KiB/s" in drawn
    assert drawn.rstrip().endswith(f"{lines[-1]['seconds']:.1f} s")
    assert 2 <= len(lines) - 1 <= lines[-1]["seconds"] + 1


def read_to_the_end(screen: BinaryIO) -> str:
    """Read a terminal until its last user closes it."""
    drawn = b""
    while True:
        try:
            block = os.read(screen.fileno(), 4096)
        except OSError:  # EIO: nobody has it open any more
            break
        if not block:
            break
        drawn += block
    return drawn.decode()
