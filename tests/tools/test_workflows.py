"""The workflows that run elsewhere are judged here."""

import subprocess
from pathlib import Path

import pytest

from tools.build import program
from tools.cache import CLONE

pytestmark = pytest.mark.slow  # builds the judge


def lint(*paths: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("actionlint"), "-no-color", *paths], capture_output=True, text=True, check=False
    )


def test_every_workflow_is_well_formed() -> None:
    workflows = sorted((CLONE / ".github" / "workflows").glob("*.yaml"))
    assert workflows

    done = lint(*workflows)

    assert done.returncode == 0, done.stdout


def test_a_misspelt_key_is_found(tmp_path: Path) -> None:
    workflow = tmp_path / "ci.yaml"
    workflow.write_text("on: push\njobs: {one: {runs-on: ubuntu-24.04, step: [{run: 'true'}]}}\n")

    assert 'unexpected key "step"' in lint(workflow).stdout
