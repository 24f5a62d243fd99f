"""Install a program that PyPI carries into an environment of its own, from a lock file with hashes."""

import subprocess
import sys
from pathlib import Path

from tools.catalogue import Family, Program
from tools.errors import ToolError
from tools.progress import Progress


def install(family: Family, program: Program, target: Path, progress: Progress) -> None:
    """Install the family's requirements beside `target` and link the program there when all is in place."""
    venv = target.parent.parent / "venv"
    progress.step("installing from PyPI")
    uv(["venv", "--clear", str(venv)])
    lock = family.folder / "requirements.txt"
    uv(["pip", "install", "--python", str(venv / "bin" / "python"), "--require-hashes", "-r", str(lock)])
    target.symlink_to(venv / "bin" / (program.package or program.name))


def uv(arguments: list[str]) -> None:
    """Run uv, which bootstrap.txt pins."""
    done = subprocess.run(
        [sys.executable, "-m", "uv", "--quiet", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ToolError(
            f"uv {' '.join(arguments)} failed: {done.stderr}", "`make setup`, then read uv's words above"
        )
