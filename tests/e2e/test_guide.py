"""The development guide's commands run as written, in the cluster that is up."""

from pathlib import Path

from tests.docs.console import ROOT, Shell, matches, search_path, steps
from tools.cluster.provider import Provider


def test_the_development_guides_commands_print_what_the_guide_shows(
    cluster: Provider, tmp_path: Path
) -> None:
    with Shell(ROOT, PATH=search_path(tmp_path / "bin")) as shell:
        for step in steps(ROOT / "docs/guides/development.md"):
            printed = shell.run(step)
            assert matches(step.expected, printed), (step, printed)
