"""A copy of the tree, small enough to change and generate again."""

import shutil
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]
PARTS = ("kserve_lite", "generator", "schemas", "charts", "docs/reference")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the generator reads and writes, copied from this clone."""
    for part in PARTS:
        shutil.copytree(CLONE / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path
