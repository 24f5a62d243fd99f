"""Install a program that PyPI carries into an environment of its own, from a lock file with hashes."""

import sys
from pathlib import Path

from tools.catalogue import Family, Program
from tools.progress import Progress
from tools.shell import run


def install(family: Family, program: Program, target: Path, progress: Progress) -> None:
    """Install the family's requirements beside `target` and link the program there when all is in place."""
    venv = target.parent.parent / "venv"
    progress.step("installing from PyPI")
    run(
        [sys.executable, "-m", "venv", "--clear", venv], remedy="install Python's venv (Debian: python3-venv)"
    )
    pip = [str(venv / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    lock = family.folder / "requirements.txt"
    run([*pip, "--requirement", lock], timeout=900, remedy="read pip's words above; check the network")
    target.symlink_to(venv / "bin" / (program.package or program.name))
