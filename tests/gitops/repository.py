"""The Git repository that Argo CD and Flux follow in tests, and how long they are waited for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.gitops.parts import Parts
from tools.cache import CLONE
from tools.shell import run

PUBLISHED = "https://github.com/kserve-lite/kserve-lite"
GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main")


@dataclass
class Repository:
    """The charts and `examples/gitops`, as somebody who followed its README has them: with an address of their own."""

    folder: Path
    url: str  # what stands in the examples in the place of the published one

    def fill(self) -> None:
        """Copy what a fork would have, put the address in, and commit."""
        for name in ("charts", "examples/gitops"):
            shutil.copytree(CLONE / name, self.folder / name)
        for path in (self.folder / "examples/gitops").rglob("*.yaml"):
            path.write_text(path.read_text().replace(PUBLISHED, self.url))
        run([*GIT, "init", "--quiet", str(self.folder)])
        self.commit()

    def edit(self, path: str, change: Callable[[str], str]) -> str:
        """Change a file and commit; return the commit."""
        file = self.folder / path
        before = file.read_text() if file.exists() else ""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(change(before))
        assert file.read_text() != before, path
        return self.commit()

    def model(self, name: str, uri: str) -> str:
        """Write the file that is a model; return the commit."""
        return self.edit(
            f"examples/gitops/models/{name}/model.yaml",
            lambda _: f"models:\n  {name}:\n    storageUri: {uri}\n",
        )

    def forget(self, name: str) -> str:
        """Take the file of a model away; return the commit."""
        shutil.rmtree(self.folder / "examples/gitops/models" / name)
        return self.commit()

    def commit(self) -> str:
        """Commit everything; return the commit."""
        run([*GIT, "-C", str(self.folder), "add", "--all"])
        run([*GIT, "-C", str(self.folder), "commit", "--quiet", "--message", "change"])
        return self.head()

    def head(self) -> str:
        """Return the newest commit."""
        return run([*GIT, "-C", str(self.folder), "rev-parse", "HEAD"]).strip()


def until(follower: Parts, condition: Callable[[], object], seconds: float) -> float:
    """Wait for a condition; return the seconds that it took, or fail with all that the follower says."""
    began = time.monotonic()
    while not condition():
        took = time.monotonic() - began
        assert took < seconds, f"not within {seconds:.0f} s\n{follower.describe()}"
        assert not follower.dead(), f"ended: {follower.dead()}\n{follower.describe()}"
        time.sleep(1)
    return time.monotonic() - began


def tell(what: str, seconds: float) -> None:
    """Print what took how long; `docs/guides/gitops.md` has the figures of a run."""
    print(f"\n{seconds:6.1f} s  {what}")
