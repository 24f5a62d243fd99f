"""Models that every test of the laptop shares, trained once."""

import fcntl
import runpy
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of examples/ in which every train.py has run; the processes of pytest-xdist share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / "examples"
    with (folder.parent / "examples.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            building = folder.with_name("examples-building")
            ignored = shutil.ignore_patterns("model", "my-sklearn-model", ".trained-by", "__pycache__")
            shutil.copytree(ROOT / "examples", building, ignore=ignored)
            for train in sorted(building.glob("*/train.py")):
                runpy.run_path(str(train), run_name="__main__")
            building.rename(folder)
    return folder


@pytest.fixture
def iris(examples: Path, tmp_path: Path) -> Path:
    """A copy of the iris example that a test may change."""
    return Path(shutil.copytree(examples / "sklearn-iris", tmp_path / "sklearn-iris"))
