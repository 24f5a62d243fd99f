"""The images of the project; their names are those that the charts use."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.cache import CLONE
from tools.shell import run

REGISTRY = "ghcr.io/kserve-lite"


@dataclass(frozen=True)
class Image:
    """One image and the Dockerfile target that builds it."""

    name: str
    dockerfile: str
    budget: int  # MB (1,000,000 bytes) that its layers may unpack to, above the base's

    @property
    def reference(self) -> str:
        """Return the name under which clusters know it."""
        return f"{REGISTRY}/{self.name}:{version()}"

    @property
    def archive(self) -> Path:
        """Return where this clone keeps it when it is built."""
        return CLONE / ".cache" / "images" / f"{self.name}.tar"

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the labels that differ from build to build; the Dockerfile has the others."""
        return {"version": version(), "revision": revision()}


IMAGES = (
    Image("sklearnserver", "server/Dockerfile", budget=320),
    Image("storage-initializer", "server/Dockerfile", budget=60),
    Image("router", "server/Dockerfile", budget=60),
    Image("kserve-lite", "Dockerfile", budget=90),
)


def version() -> str:
    """Return the version of this repository."""
    declared: str = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]["version"]
    return declared


def revision() -> str:
    """Return the commit that is checked out, marked when files differ from it."""
    git = ["git", "-C", str(CLONE), "-c", f"safe.directory={CLONE}"]
    changed = run([*git, "status", "--porcelain", "--untracked-files=no"])
    return run([*git, "rev-parse", "HEAD"]).strip() + ("-changed" if changed else "")
