"""Building programs: a real Go module that needs no network."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tools import build, catalogue
from tools.catalogue import Family
from tools.errors import ToolError

MAIN = """package main

import "os"

var version = "none"

func main() { os.Stdout.WriteString("hello " + version + "\\n") }
"""
MODULE = """module tools/hello

go 1.24

tool x.io/hello

require x.io/hello v1.2.3

replace x.io/hello => ./src
"""


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Family:
    """Return a family of one program, cached below `tmp_path` but compiled with the machine's Go cache."""
    if shutil.which("go") is None:
        pytest.skip("Go, which builds the programs that larger suites use, is not on PATH")
    go_cache = subprocess.check_output(["go", "env", "GOCACHE"], text=True).strip()
    monkeypatch.setenv("GOCACHE", go_cache)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "hello"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "go.mod").write_text("module x.io/hello\n\ngo 1.24\n")
    (folder / "src" / "main.go").write_text(MAIN)
    (folder / "go.mod").write_text(MODULE)
    (folder / "family.toml").write_text(
        'pin = "x.io/hello"\nldflags = "-X main.version={version}"\n\n[programs]\nhello = {version = []}\n'
    )
    return catalogue.read(folder)


def ensure(family: Family) -> Path:
    return build.ensure(family, family.programs["hello"])


def test_a_built_program_runs_and_knows_its_version(hello: Family) -> None:
    program = ensure(hello)

    assert subprocess.check_output([program], text=True) == "hello 1.2.3\n"
    assert program.is_relative_to(os.environ["XDG_CACHE_HOME"])


def test_a_second_call_builds_nothing(hello: Family) -> None:
    first = ensure(hello).stat()

    assert ensure(hello).stat() == first


def test_callers_at_the_same_time_share_one_build(hello: Family, capfd: pytest.CaptureFixture[str]) -> None:
    callers = [threading.Thread(target=ensure, args=[hello]) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert capfd.readouterr().err.count("hello 1.2.3: hello: done") == 1


def test_a_build_after_a_killed_one_is_whole(hello: Family) -> None:
    target = build.folder(hello) / "bin" / "hello"
    target.parent.mkdir(parents=True)
    target.with_name(".hello.partial").write_bytes(b"half of a program")

    assert subprocess.check_output([ensure(hello)], text=True) == "hello 1.2.3\n"


def test_a_failed_build_shows_the_compilers_words_and_leaves_no_program(hello: Family) -> None:
    (hello.folder / "src" / "main.go").write_text("package main\n\nfunc main() { missing() }\n")

    with pytest.raises(ToolError, match="undefined: missing"):
        ensure(hello)

    assert not (build.folder(hello) / "bin" / "hello").exists()


def test_the_program_on_path_is_used_in_the_pinned_version(
    hello: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(hello, monkeypatch, says="hello v1.2.3")

    assert ensure(with_version(hello)) == hello.folder / "machine" / "hello"


@pytest.mark.parametrize("says", ["hello v1.2.30", "hello 11.2.3", "hello 1.2.3-rc.1", "hello 2.0.0", ""])
def test_the_program_on_path_is_passed_over_in_another_version(
    hello: Family, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    put_on_path(hello, monkeypatch, says=says)

    assert build.on_path(hello, with_version(hello).programs["hello"]) is None


def test_too_little_disk_is_said_before_anything_is_compiled(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="MiB free"):
        build.check_space(tmp_path / "bin" / "hello", needed=1 << 60)


def test_the_command_prints_a_remedy_for_an_unknown_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools", "build", "nothing-of-that-name"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "remedy: `python -m tools list` shows them" in done.stderr


def put_on_path(family: Family, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    machine = family.folder / "machine"
    machine.mkdir()
    (machine / "hello").write_text(f"#!/bin/sh\necho '{says}'\n")
    (machine / "hello").chmod(0o755)
    monkeypatch.setenv("PATH", f"{machine}:{os.environ['PATH']}")


def with_version(family: Family) -> Family:
    declared = (family.folder / "family.toml").read_text().replace("version = []", 'version = ["--version"]')
    (family.folder / "family.toml").write_text(declared)
    return catalogue.read(family.folder)
