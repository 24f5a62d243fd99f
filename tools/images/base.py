"""The base of all images: Debian with Python, bootstrapped from its packages where no registry can be asked."""

import shutil
from pathlib import Path

from tools import cache, debian
from tools.errors import ToolError
from tools.progress import Progress
from tools.shell import run

PUBLISHED = "docker.io/library/python:3.12-slim-bookworm"
SUITE = "bookworm"
LOCAL = f"localhost/kserve-lite/base:{SUITE}"
PACKAGES = ("python3-minimal", "python3-venv", "ca-certificates", "libgomp1")


def tarball() -> Path:
    """Return the base's file system, bootstrapped once a machine."""
    target = cache.home() / "base" / f"{SUITE}.tar"
    with cache.locked(target):
        if not target.exists():
            if shutil.which("mmdebstrap") is None:
                raise ToolError("there is no mmdebstrap", debian.apt_line(debian.IMAGES))
            partial = target.with_suffix(".partial.tar")
            options = ["--variant=minbase", f"--include={','.join(PACKAGES)}", "--quiet"]
            with Progress("images: Debian base"):
                run(
                    ["mmdebstrap", *options, SUITE, partial],
                    timeout=1200,
                    remedy="check the Debian mirror and network",
                )
            partial.replace(target)
    return target
