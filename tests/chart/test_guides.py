"""The commands of the charts' guides that need no cluster run as written, and print what is written below them."""

import shutil
from pathlib import Path

import pytest

from tests.docs.console import ROOT, Shell, matches, search_path, steps

OFFLINE = ("models-in-values", "air-gap", "gitops")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout that commands may write into."""
    for name in ("charts", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def path(tmp_path: Path) -> str:
    """PATH with our programs first."""
    return search_path(tmp_path / "bin", "helm")


@pytest.mark.parametrize("guide", OFFLINE)
def test_a_guides_commands_print_what_it_shows(guide: str, tree: Path, path: str) -> None:
    with Shell(tree, PATH=path, HOME=str(tree)) as shell:
        for step in steps(ROOT / "docs" / "guides" / f"{guide}.md"):
            printed = shell.run(step)
            assert matches(step.expected, printed), (step, printed)


def test_the_install_guides_refusal_is_what_helm_says(tree: Path, path: str) -> None:
    (step,) = [
        one for one in steps(ROOT / "docs/guides/install.md") if one.command.startswith("helm template")
    ]
    with Shell(tree, PATH=path, HOME=str(tree)) as shell:
        assert matches(step.expected, shell.run(step))


def test_the_values_that_the_guide_shows_are_the_example() -> None:
    assert (ROOT / "examples/charts/models.yaml").read_text() in (
        ROOT / "docs/guides/models-in-values.md"
    ).read_text()
