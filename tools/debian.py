"""What the host must bring, and the Debian packages that bring it: told by the preflights, installed by the gate."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.errors import ToolError
from tools.progress import Progress
from tools.shell import run

# Command: the package that has it.
CLUSTER: Mapping[str, str] = {
    "ip": "iproute2",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "mount": "mount",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ps": "procps",
    "runc": "runc",
    "gcc": "gcc libc6-dev",
}
IMAGES: Mapping[str, str] = {"buildah": "buildah", "mmdebstrap": "mmdebstrap"}
TESTS: Mapping[str, str] = {
    "curl": "curl",
    "openssl": "openssl",
    "nginx": "nginx-light",
    "redis-server": "redis-server",
}
ALL: Mapping[str, str] = {**CLUSTER, **IMAGES, **TESTS}


def lacking(wanted: Mapping[str, str], find: Callable[[str], str | None] = shutil.which) -> Mapping[str, str]:
    """Return the commands that the machine lacks, each with its package."""
    return {name: package for name, package in wanted.items() if find(name) is None}


def apt_line(missing: Mapping[str, str]) -> str:
    """Return the line that installs the packages of the missing commands."""
    return f"apt-get install --no-install-recommends {' '.join(packages(missing))}"


def packages(missing: Mapping[str, str]) -> list[str]:
    """Return the packages of commands, each once."""
    return list(dict.fromkeys(" ".join(missing.values()).split()))


def install(
    missing: Mapping[str, str], user: int | None = None, release: Path = Path("/etc/debian_version")
) -> None:
    """Install what is missing; raise `ToolError` with the line to type where this process may not."""
    if not missing:
        return
    if (os.geteuid() if user is None else user) != 0 or not release.exists():
        raise ToolError(f"there is no {', '.join(missing)}", f"on Debian, as root: {apt_line(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with Progress(f"Debian packages: {' '.join(packages(missing))}"):
        run(["apt-get", "update", "-qq"], env=quiet, remedy="check the Debian mirror and network")
        run(
            ["apt-get", "install", "-qq", "--no-install-recommends", *packages(missing)],
            env=quiet,
            timeout=900,
            remedy="check the Debian mirror and network",
        )
