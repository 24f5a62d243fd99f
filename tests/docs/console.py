"""Runs the ```console blocks of a document as they are written, and compares what they print."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tools.build import program

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SERVING = re.compile(r"^Serving at http://localhost:(\d+)")


@dataclass
class Step:
    """One command of a document and the output that is written below it; `…` stands for anything."""

    command: str
    expected: list[str] = field(default_factory=list)


def steps(document: Path) -> list[Step]:
    found: list[Step] = []
    for block in _BLOCK.findall(document.read_text()):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:]))
            else:
                found[-1].expected.append(line)
    assert found
    return found


def matches(expected: list[str], printed: str) -> bool:
    """Say whether the output is what the document shows; nothing written means that nothing is promised."""
    pattern = "".join(
        ".*" if part == "…" else re.escape(part) for part in re.split("(…)", "\n".join(expected))
    )
    return not expected or re.fullmatch(pattern + r"\s*", printed, re.DOTALL) is not None


def search_path(folder: Path, *programs: str) -> str:
    """Return a PATH with the programs of this repository first, linked in `folder`, and then our own commands."""
    folder.mkdir(exist_ok=True)
    for name in programs:
        (folder / name).symlink_to(program(name))
    return os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])


class Shell:
    """Runs one command after the other; what serves stays in the background until the next one that serves."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        # A reader does not type within a make: its variables would make an inner one say what it enters and leaves.
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")} | env
        self.port = "8080"
        self._server: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def run(self, step: Step) -> str:
        """Return what the command printed; a command that serves, what it printed until it answered."""
        if step.command == "make run" or step.command.startswith("kserve-lite serve"):
            return self._serve(step.command)
        command, _, folder = step.command.partition(" && cd ")
        done = subprocess.run(
            # The document says 8080; where that is taken the command prints another port, and a reader types that.
            ["bash", "-ec", command.replace(":8080", f":{self.port}")],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        self.folder /= folder
        return done.stdout

    def _serve(self, command: str) -> str:
        self._end()
        self._server = subprocess.Popen(
            command.split(),
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._server.stdout is not None
        printed = ""
        for line in self._server.stdout:
            printed += line
            if found := _SERVING.match(line):
                self.port = found[1]
            elif line.startswith("  curl"):
                return printed.replace(f":{self.port}", ":8080")
        raise AssertionError(printed)

    def _end(self) -> None:
        """End it as Ctrl-C does: the signal goes to all processes of the terminal's foreground group."""
        if self._server is None:
            return
        os.killpg(self._server.pid, signal.SIGINT)
        self._server.communicate(timeout=PATIENCE)
        self._server = None
