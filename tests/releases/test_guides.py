"""The commands of the guides that need a cluster run as written, and print what is written below them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.console import ROOT, Shell, Step, matches, search_path, steps
from tests.releases.conftest import Session
from tests.releases.test_life import MODEL

PUBLIC = "gs://kfserving-examples/models/sklearn/1.0/model"  # out of reach of a test


def guide(name: str) -> list[Step]:
    """The steps of a guide, with a model that the cluster can reach."""
    return [
        Step(step.command.replace(PUBLIC, MODEL), step.expected)
        for step in steps(ROOT / "docs" / "guides" / f"{name}.md")
    ]


@pytest.mark.parametrize("session", ["helm"], indirect=True)
def test_the_guides_of_installing_and_upgrading_print_what_they_show(
    session: Session, tmp_path: Path
) -> None:
    path = search_path(tmp_path, "helm", "kubectl")
    *installing, removing, refusal = guide("install")
    assert "helm uninstall" in removing.command
    with Shell(ROOT, PATH=path, HOME=str(tmp_path), KUBECONFIG=str(session.kubectl.kubeconfig)) as shell:
        for step in (*installing, *guide("upgrade"), removing, refusal):
            printed = shell.run(step)
            assert matches(step.expected, printed), (step, printed)
