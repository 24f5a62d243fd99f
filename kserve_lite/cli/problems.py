"""How every command shows what is wrong."""

import json
import sys
from collections.abc import Iterable

from kserve_lite.api.problems import Problem
from kserve_lite.cli.terminal import Style


def show(problems: Iterable[Problem], output: str) -> None:
    """Print problems: one block each on stderr for a person, one JSON object a line on stdout for a program."""
    if output == "json":
        for problem in problems:
            print(json.dumps({"event": "problem", **problem.as_dict()}, ensure_ascii=False), flush=True)
        return
    style = Style(sys.stderr)
    for problem in problems:
        place = " ".join(filter(None, (f"{problem.where}:" if problem.where else "", problem.path)))
        head = style.paint("error", "red") + (f" {style.paint(place, 'bold')}" if place else "")
        print(f"{head}\n  {problem.message} {style.paint(f'[{problem.code}]', 'dim')}", file=sys.stderr)
        if problem.remedy:
            print(f"  {style.paint('→', 'green')} {problem.remedy}", file=sys.stderr)
    sys.stderr.flush()
