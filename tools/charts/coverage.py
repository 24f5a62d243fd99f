"""Which branches of the templates no test renders: every if, with and range both ways.

Templates cannot report to the outside, but they can fail. Each branch of a copy is made to fail with its own name. All
cases are rendered by one process; the branches that they fail at are covered and are mended, and the cases that failed
are rendered again, until nothing of ours fails.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tools.build import program
from tools.charts.suites import Case, bare, cases

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
COPIES = 16  # of a chart, each with its share of failing branches, while there are few cases to render
MARK = "branch not covered: "
_FOUND = re.compile(re.escape(MARK) + r"([^ ]+:\d+:[a-z]+)")


@dataclass(frozen=True)
class Report:
    """The branches of a chart, and those that no case reached."""

    branches: int
    missed: tuple[str, ...]
    renders: int


def measure(chart: str) -> Report:
    """Render every case of a chart and return what was not reached."""
    with tempfile.TemporaryDirectory() as folder:
        copies = [bare(chart, Path(folder) / str(number)) for number in range(COPIES)]
        texts = {path.name: path.read_text() for path in sorted((copies[0] / "templates").iterdir())}
        left = {name for file, text in texts.items() for name in branches(file, text)}
        total, renders = len(left), 0
        todo = list(cases(chart))
        # One case first, then a few: what all pass would else stop all of them, one branch after the other.
        while batch := todo[: renders + 1]:
            del todo[: renders + 1]
            while batch:
                asked = copies[: max(1, COPIES // len(batch))]
                for number, copy in enumerate(asked):
                    _instrument(copy, texts, set(sorted(left)[number :: len(asked)]))
                renders += len(asked) * len(batch)
                reached = _reached(asked, batch)
                left -= {branch for _, branch in reached}
                batch = [batch[number] for number in sorted({number for number, _ in reached})]
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


def _instrument(copy: Path, texts: Mapping[str, str], failing: set[str]) -> None:
    for file, text in texts.items():
        (copy / "templates" / file).write_text(instrumented(file, text, failing))


def _reached(copies: Sequence[Path], batch: Sequence[Case]) -> set[tuple[int, str]]:
    """Return the cases that failed at a branch in any copy of the chart, each with the branch."""
    tests = [
        {**case.given(), "it": str(number), "asserts": [{"notFailedTemplate": {}}]}
        for number, case in enumerate(batch)
    ]
    for copy in copies:
        (copy / "tests").mkdir(exist_ok=True)
        (copy / "tests" / "all_test.yaml").write_text(json.dumps({"suite": "all", "tests": tests}))
    report = copies[0] / "report.xml"
    said = subprocess.run(
        [program("helm-unittest"), "--output-type", "JUnit", "--output-file", report, *copies],
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists():
        raise AssertionError(said.stdout + said.stderr)
    tried = ElementTree.parse(report).findall(".//testcase")
    report.unlink()
    if len(tried) != len(copies) * len(batch):
        raise AssertionError(said.stdout + said.stderr)
    found = [(int(test.attrib["name"]), _FOUND.search("".join(test.itertext()))) for test in tried]
    return {(number, branch[1]) for number, branch in found if branch}
