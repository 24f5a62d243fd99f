"""Install a program that npm carries, from a lock file with hashes."""

import shutil
import subprocess
from pathlib import Path

from tools.catalogue import Family, Program
from tools.errors import ToolError
from tools.progress import Progress


def install(family: Family, program: Program, target: Path, progress: Progress) -> None:
    """Install the family's lock file beside `target` and link the program there when all is in place."""
    npm = shutil.which("npm")
    if npm is None:
        raise ToolError("there is no `npm` on PATH", "install Node.js 20 or newer")
    home = target.parent.parent
    for name in ("package.json", "package-lock.json"):
        shutil.copy(family.folder / name, home / name)
    progress.step("installing from npm")
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"], cwd=home, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ToolError(f"npm ci failed: {done.stderr}", "read npm's words above; check the network")
    target.symlink_to(home / "node_modules" / ".bin" / (program.package or program.name))
