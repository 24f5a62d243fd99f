"""The command, as an init container or `kserve-lite serve` starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
