"""Give a program of the catalogue: built before, on PATH in the pinned version, or built now."""

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tools import cache, go, npm, pypi
from tools.catalogue import Family, Program, families, find
from tools.errors import ToolError
from tools.progress import Progress

BUILDERS: Mapping[str, Callable[[Family, Program, Path, Progress], None]] = {
    "go": go.build,
    "pypi": pypi.install,
    "npm": npm.install,
}


def program(name: str) -> Path:
    """Return the path of a program that can be run, building it when it has to be."""
    return ensure(*find(name))


def ensure(family: Family, wanted: Program) -> Path:
    """Return one program of a family, building it when it has to be."""
    target = folder(family) / "bin" / wanted.name
    if not target.exists():
        if found := on_path(family, wanted):
            return found
        with cache.locked(folder(family)):
            if not target.exists():  # someone else may have built it while we waited
                make(family, wanted, target)
    return target


def source(name: str) -> Path:
    """Return the unpacked source of a Go family: for files that no program carries, such as CRDs."""
    return go.source(families()[name])


def crds(name: str) -> str:
    """Return the CustomResourceDefinitions of a Go family as one document, for `kubectl apply --server-side`."""
    root = source(name)
    return "\n---\n".join((root / path).read_text() for path in families()[name].crds)


def folder(family: Family) -> Path:
    """Return where a family's programs are built: the digest is of all that decides what they are."""
    return cache.home() / "tools" / f"{family.name}-{family.digest}"


def on_path(family: Family, program: Program) -> Path | None:
    """Return the program that the machine has, when it says that it is of the pinned version."""
    found = shutil.which(program.command or program.name) if program.version else None
    if found is None:
        return None
    said = subprocess.run([found, *program.version], capture_output=True, text=True, timeout=30, check=False)
    wanted = rf"(?<![\w.]){re.escape(family.version)}(?![\w.-])|\bv{re.escape(family.version)}(?![\w.-])"
    return Path(found) if re.search(wanted, said.stdout + said.stderr) else None


def make(family: Family, wanted: Program, target: Path) -> None:
    """Build one program; nothing stands at `target` before it is whole."""
    check_space(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with Progress(f"{family.name} {family.version}: {wanted.name}") as progress:
        BUILDERS[family.kind](family, wanted, target, progress)


def check_space(target: Path, needed: int = 2 << 30) -> None:
    """Refuse early what would fail late: the largest family, Kubernetes, takes 2 GB with Go's own caches."""
    existing = next(parent for parent in target.parents if parent.exists())
    if (free := shutil.disk_usage(existing).free) < needed:
        raise ToolError(
            f"{existing} has {free >> 20} MiB free, a build may take {needed >> 20} MiB",
            "free some space, or point XDG_CACHE_HOME (and GOPATH, GOCACHE) at a larger disk",
        )
