"""`kserve-lite new`: what it writes passes its own test, validates, and serves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kserve_lite.api.manifests import read
from kserve_lite.cli import main
from tests.local.harness import serving


@pytest.mark.parametrize("kind", ["transformer", "explainer", "predictor"])
def test_a_project_passes_its_own_test_and_its_manifest_is_valid(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", kind, "mine", "--to", str(tmp_path)]) == 0
    folder = tmp_path / "mine"

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert read([folder / "isvc.yaml"]).problems == []
    written = sorted(file.name for file in folder.iterdir())
    assert written == sorted(
        ["Dockerfile", "README.md", "isvc.yaml", "requirements.txt", f"{kind}.py", f"test_{kind}.py"]
    )
    assert f"COPY {kind}.py ." in (folder / "Dockerfile").read_text()
    assert str(folder) in capsys.readouterr().out


def test_a_new_predictor_serves_at_once(tmp_path: Path) -> None:
    main(["new", "predictor", "mine", "--to", str(tmp_path)])

    with serving(tmp_path / "mine/isvc.yaml", cache=tmp_path / "cache") as serve:
        serve.listening()

        assert serve.ask("/v1/models/mine:predict", {"instances": [[1, 2]]}) == (200, {"predictions": [6]})


def test_a_wrong_name_and_a_folder_that_is_there_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()

    assert main(["new", "transformer", "My_Thing", "--to", str(tmp_path)]) == 1
    assert main(["new", "transformer", "mine", "--to", str(tmp_path)]) == 1

    said = capsys.readouterr()
    assert "cannot be the name" in said.out + said.err
    assert "is there already" in said.out + said.err
    assert list((tmp_path / "mine").iterdir()) == []
