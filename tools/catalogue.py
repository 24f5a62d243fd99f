"""The external programs of this repository, read from one folder a family under `tools/programs`."""

import hashlib
import platform
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tools.errors import ToolError

FOLDER = Path(__file__).parent / "programs"
# The file that pins a family's sources also says how it is built.
PINS = MappingProxyType({"go.mod": "go", "requirements.txt": "pypi", "package-lock.json": "npm"})


@dataclass(frozen=True)
class Program:
    """One executable of a family."""

    name: str
    package: str = ""  # Go: folder of the main package in the module; else the script, when named otherwise
    command: str = ""  # what it is called on PATH, when named otherwise
    version: tuple[str, ...] = ()  # arguments that print its version; without them PATH is not asked


@dataclass(frozen=True)
class Family:
    """Programs that are pinned and built together."""

    name: str
    folder: Path
    kind: str  # go, pypi or npm
    pin: str  # the module or package whose version is the family's
    version: str
    programs: Mapping[str, Program] = field(default_factory=dict)
    ldflags: str = ""
    crds: tuple[str, ...] = ()  # files of the module that hold CustomResourceDefinitions

    @property
    def digest(self) -> str:
        """Return what tells two builds apart: the family's files and the machine they are built for."""
        state = hashlib.sha256(f"{platform.system()} {platform.machine()}".encode())
        for path in sorted(path for path in self.folder.iterdir() if path.is_file()):
            state.update(f"\0{path.name}\0".encode() + path.read_bytes())
        return state.hexdigest()[:16]


@cache
def families() -> Mapping[str, Family]:
    """Return every family of the repository by name."""
    return {folder.name: read(folder) for folder in sorted(FOLDER.iterdir()) if folder.is_dir()}


def read(folder: Path) -> Family:
    """Read one family from its folder."""
    stated: dict[str, Any] = tomllib.loads((folder / "family.toml").read_text())
    pins = [name for name in PINS if (folder / name).is_file()]
    if len(pins) != 1:
        raise ToolError(
            f"{folder} is pinned by {pins or 'nothing'}", f"keep exactly one of {', '.join(PINS)} in it"
        )
    programs = {
        name: Program(name, **{**entry, "version": tuple(entry.get("version", ()))})
        for name, entry in stated.pop("programs", {}).items()
    }
    stated["crds"] = tuple(stated.get("crds", ()))
    version = pinned_version((folder / pins[0]).read_text(), stated["pin"])
    return Family(
        name=folder.name, folder=folder, kind=PINS[pins[0]], version=version, programs=programs, **stated
    )


def pinned_version(pins: str, name: str) -> str:
    """Return the version of `name`, without its v, in a go.mod, requirements.txt or package-lock.json."""
    spellings = (
        rf"^(?:require)?\s*{re.escape(name)} v(\S+)",
        rf"^{re.escape(name)}==([^\s;\\]+)",
        rf'"node_modules/{re.escape(name)}": \{{\s*"version": "([^"]+)"',
    )
    for spelling in spellings:
        if found := re.search(spelling, pins, re.MULTILINE):
            return found[1]
    raise ToolError(
        f"{name} is not pinned", "name in family.toml a module that the lock file beside it requires"
    )


def find(name: str) -> tuple[Family, Program]:
    """Return the program of that name and its family."""
    for family in families().values():
        if program := family.programs.get(name):
            return family, program
    raise ToolError(f"there is no program {name!r}", "`python -m tools list` shows them")


def expand(names: Iterable[str]) -> list[str]:
    """Return program names, each family's name replaced by the names of its programs."""
    return [
        program
        for name in names
        for program in (families()[name].programs if name in families() else [find(name)[1].name])
    ]
