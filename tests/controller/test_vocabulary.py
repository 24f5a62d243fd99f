"""Every condition, reason and event that docs/reference/status.md lists is provoked by some test."""

import re
from pathlib import Path

import pytest

from kserve_lite.api.reasons import (
    CONDITIONS,
    EVENTS,
    GRAPH_CONDITIONS,
    GRAPH_REASONS,
    MODEL_CONDITIONS,
    MODEL_REASONS,
    REASONS,
)

TESTS = Path(__file__).parents[1]
FOLDERS = ("controller", "apiserver", "e2e")
TEXT = "\n".join(
    file.read_text()
    for folder in FOLDERS
    for file in (TESTS / folder).rglob("test_*.py")
    if file != Path(__file__)
)
WORDS = sorted(
    {*REASONS, *GRAPH_REASONS, *MODEL_REASONS, *(event.reason for event in EVENTS)}
    | {one.type for one in (*CONDITIONS, *GRAPH_CONDITIONS, *MODEL_CONDITIONS)} - {"Node.NAME"}
)


@pytest.mark.parametrize("word", WORDS)
def test_it_is_provoked(word: str) -> None:
    assert re.search(rf"\b{word}\b", TEXT), f"no test of {', '.join(FOLDERS)} speaks of {word}"
