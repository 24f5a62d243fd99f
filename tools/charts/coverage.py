"""Which branches of the templates no test renders: every if, with and range both ways.

Templates cannot report to the outside, but they can fail. Each branch of a copy is made to fail with its own name; a
branch that a render fails at is covered and is mended, and the case is rendered again, until nothing of ours fails. So
the number of renders is that of the cases and the branches together.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.build import program
from tools.charts.suites import CHARTS, Case, cases

ACTION = re.compile(r"\{\{-?\s*(?P<comment>/\*.*?\*/)?(?P<code>.*?)\s*-?\}\}", re.DOTALL)
OPENS = ("if", "with", "range")
NEVER_EMPTY = (
    re.compile(r":= (list|dict) \""),  # written out in the template
    re.compile(r"^(list|dict) \""),
    re.compile(r"\.Files\.Get "),  # generated, and part of the chart
    re.compile(r"include \"kserve-lite\.namespaces\""),  # the release's own when no other is named
    re.compile(
        r"\.apiServerPorts$|:= \.Values\.enabled$|:= \$namespaces$"
    ),  # the schema asks for one; closed; ditto
)
"""What a `range` over it says is never empty, so there is no other way to test."""
MARK = "branch not covered: "
_FOUND = re.compile(re.escape(MARK) + r"([^ ]+:\d+:[a-z]+)")


@dataclass(frozen=True)
class Report:
    """The branches of a chart, and those that no case reached."""

    branches: int
    missed: tuple[str, ...]
    renders: int


def measure(chart: str, extra: Sequence[Case] = ()) -> Report:
    """Render every case of a chart and return what was not reached."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / chart
        shutil.copytree(CHARTS / chart, copy, ignore=shutil.ignore_patterns("crds", "tests", "ci"))
        # What the schema refuses never reaches a template; judging it again would only take time.
        (copy / "values.schema.json").unlink()
        texts = {path: path.read_text() for path in sorted((copy / "templates").iterdir())}
        left = {name for path, text in texts.items() for name in branches(path.name, text)}
        total = len(left)
        renders = 0
        for case in [*cases(chart), *extra]:
            while left:
                for path, text in texts.items():
                    path.write_text(instrumented(path.name, text, left))
                renders += 1
                if (reached := _reached(copy, case)) is None:
                    break
                left.discard(reached)
    return Report(total, tuple(sorted(left)), renders)


def branches(file: str, text: str) -> Iterator[str]:
    """Yield the names of a template's branches: file, line of the action, and which way."""
    for line, word, _, way, _ in _walk(text):
        del word
        yield f"{file}:{line}:{way}"


def instrumented(file: str, text: str, failing: set[str]) -> str:
    """Return a template whose branches in `failing` fail with their names."""
    out, at = [], 0
    for line, _, position, way, needs_else in _walk(text):
        name = f"{file}:{line}:{way}"
        out.append(text[at:position])
        at = position
        if name in failing:
            out.append(("{{- else }}" if needs_else else "") + f'{{{{- fail "{MARK}{name} " }}}}')
    return "".join([*out, text[at:]])


def _walk(text: str) -> list[tuple[int, str, int, str, bool]]:
    """Return, in order: line, word, where a branch begins, way, and whether an else must be written there."""
    found = []
    stack: list[tuple[str, int, bool]] = []  # word, line, and whether both ways are written or cannot be
    for action in ACTION.finditer(text):
        words = action["code"].split(None, 2)
        if action["comment"] or not words:
            continue
        line = text.count("\n", 0, action.start()) + 1
        if words[0] in OPENS:
            over = " ".join(words[1:])
            never = words[0] == "range" and any(pattern.search(over) for pattern in NEVER_EMPTY)
            stack.append((words[0], line, never))
            found.append((line, words[0], action.end(), "yes", False))
        elif words[0] in ("define", "block"):
            stack.append((words[0], line, True))
        elif words[0] == "else":
            word, first, _ = stack.pop()
            stack.append((word, first, len(words) == 1))
            found.append((line, word, action.end(), "else", False))
        elif words[0] == "end":
            word, first, closed = stack.pop()
            if not closed:
                found.append((first, word, action.start(), "no", True))
    return found


def _reached(chart: Path, case: Case) -> str | None:
    command = [str(program("helm")), "template", str(chart), *case.arguments()]
    command[2], command[3] = command[3], command[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = _FOUND.search(done.stderr)
    return found[1] if found else None
