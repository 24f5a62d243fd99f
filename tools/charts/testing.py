"""`python -m tools.charts.testing [lint|install]`: chart-testing over every chart and every ci/*-values.yaml.

chart-testing compares with a remote branch; it works in a clone of this clone, so that no remote is needed and nothing
of the working tree is touched. What is not committed is not tested.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.build import program
from tools.cache import CLONE
from tools.cluster import provider
from tools.cluster.kubectl import Kubectl
from tools.images.catalogue import IMAGES

CONFIG = ("--config", ".ci/ct/ct.yaml")
# The charts' order: the main one brings its CRDs, the second one owns them, the third finds them.
CHARTS = ("kserve-lite", "kserve-lite-crds", "kserve-lite-models")


def main(words: list[str]) -> int:
    """Lint and install, or one of them; 1 when something is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        clone = _clone(Path(folder))
        done = [_STEPS[word](clone) for word in words or _STEPS]
    return 0 if all(done) else 1


def lint(clone: Path) -> bool:
    """Judge metadata, values files and templates of all charts."""
    return _ct(clone, "lint", "--all", "--lint-conf", ".ci/ct/lintconf.yaml")


def install(clone: Path) -> bool:
    """Install, test, upgrade and remove every chart with each of its values files, in the cluster that is up."""
    name = provider.recorded()
    if not name:
        print("no cluster is up: `make cluster`", file=sys.stderr)
        return False
    from tools.cluster.providers import PROVIDERS

    PROVIDERS[name]().load([image.archive for image in IMAGES])
    kubectl = Kubectl(provider.KUBECONFIG)
    done = []
    for chart in CHARTS:
        _forget_crds(kubectl)
        if chart == "kserve-lite-models":
            kubectl("apply", "--server-side", "--filename", CLONE / "schemas" / "crds")
        done.append(_ct(clone, "install", "--charts", f"charts/{chart}"))
    _forget_crds(kubectl)
    return all(done)


_STEPS = {"lint": lint, "install": install}


def _ct(clone: Path, command: str, *arguments: str) -> bool:
    """Run chart-testing; it finds Helm, yamale and yamllint by their names."""
    tools = clone.parent / "bin"
    tools.mkdir(exist_ok=True)
    for name, place in (("helm", program("helm3")), ("kubectl", program("kubectl"))):
        (tools / name).unlink(missing_ok=True)
        (tools / name).symlink_to(place)
    path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {
        **os.environ,
        "PATH": path,
        "KUBECONFIG": str(provider.KUBECONFIG),
        "HOME": str(clone.parent),
    }
    done = subprocess.run(
        [program("ct"), command, *CONFIG, *arguments], cwd=clone, env=environment, check=False
    )
    return done.returncode == 0


def _clone(folder: Path) -> Path:
    """Return a clone whose `origin` is this clone and whose origin/main is what the change is compared with."""
    place = folder / "clone"
    git = shutil.which("git") or "git"
    safe = ["-c", f"safe.directory={CLONE}", "-c", f"safe.directory={CLONE}/.git", "-c", "safe.directory=*"]
    subprocess.run([git, *safe, "clone", "--quiet", "--shared", str(CLONE), str(place)], check=True)
    base = _main(git)
    subprocess.run([git, "-C", str(place), "update-ref", "refs/remotes/origin/main", base], check=True)
    return place


def _main(git: str) -> str:
    """Return the commit that a change is compared with: the remote main, else this clone's, else where it stands."""
    for name in ("origin/main", "main", "HEAD"):
        found = subprocess.run(
            [git, "-C", str(CLONE), "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode == 0:
            return found.stdout.strip()
    raise SystemExit("this is no git clone")


def _forget_crds(kubectl: Kubectl) -> None:
    """CRDs outlive a release by design; the next chart's releases must not meet them."""
    names = kubectl("get", "customresourcedefinitions", "--output=name").split()
    if ours := [name for name in names if name.endswith(".serving.kserve.io")]:
        kubectl("delete", *ours, timeout=120)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
