"""A small model folder and an empty destination."""

from pathlib import Path

import pytest

from tests.storage.peer import peer as peer


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.joblib").write_bytes(bytes(range(256)) * 5000)
    (folder / "sub" / "vocabulary.txt").write_bytes(b"word one\n")
    (folder / "empty.txt").write_bytes(b"")
    return folder


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "dest"
