"""Every kind of service and the exact objects that it comes to; `make golden` writes the files anew."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kserve_lite.render
from tests.render.golden import cases, children

PACKAGE = Path(kserve_lite.render.__file__).parent
OTHERS = {"graph.py", "storage.py", "fetching.py", "modelcar.py", "multimodel.py"}
"""Modules with tests of their own: test_storage.py, tests/resolve/test_graph.py, apiserver/test_trainedmodel.py."""


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_service_comes_to_the_recorded_objects(case: Path) -> None:
    assert children(case) == (case / "children.yaml").read_text()


def lines(code: types.CodeType) -> Iterator[int]:
    """Yield the lines of a code object and of those inside it."""
    yield from (line for _, _, line in code.co_lines() if line)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from lines(constant)


def test_the_recorded_services_reach_every_line_of_render() -> None:
    reached: dict[str, set[int]] = {}

    def trace(frame: types.FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(str(PACKAGE)):
            return None
        reached.setdefault(frame.f_code.co_filename, set()).add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for case in cases():
            children(case)
    finally:
        sys.settrace(before)

    missed = {}
    for file in PACKAGE.glob("*.py"):
        if file.name in OTHERS:
            continue
        code = compile(file.read_text(), str(file), "exec")
        # What runs at import is not of a function.
        inside = {n for one in code.co_consts if isinstance(one, types.CodeType) for n in lines(one)}
        head = {one.co_firstlineno for one in code.co_consts if isinstance(one, types.CodeType)}
        classes = {
            n
            for one in code.co_consts
            if isinstance(one, types.CodeType) and one.co_name[0].isupper()
            for _, _, n in one.co_lines()
            if n
        }
        if left := inside - head - classes - reached.get(str(file), set()):
            missed[file.name] = sorted(left)
    assert missed == {}
