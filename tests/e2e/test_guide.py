"""The development guide's commands run as written, in the cluster that is up."""

import os
import sys
from pathlib import Path

from tests.docs.console import ROOT, Shell, matches, steps
from tools.cluster.provider import Provider


def test_the_development_guides_commands_print_what_the_guide_shows(cluster: Provider) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with Shell(ROOT, PATH=path) as shell:
        for step in steps(ROOT / "docs/guides/development.md"):
            printed = shell.run(step)
            assert matches(step.expected, printed), (step, printed)
