"""Peers live in environments of their own under .cache/, built from lock files with hashes."""

import hashlib
import importlib.metadata
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "bench"
PEERS = Path(__file__).parent / "peers"


def python_of(environment: str | None) -> Path:
    """Return the interpreter of a peer's environment (None: this one)."""
    return Path(sys.executable) if environment is None else CACHE / environment / "bin" / "python"


def build(environment: str) -> None:
    """Create the environment that peers/<environment>.txt describes, unless it stands already."""
    lock = PEERS / f"{environment}.txt"
    stamp = CACHE / environment / "installed"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"building the environment of {environment} in {stamp.parent}", file=sys.stderr)
    venv.create(stamp.parent, symlinks=True)
    uv = Path(sys.executable).parent / "uv"
    sync = [str(uv), "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode"]
    subprocess.run([*sync, "--python", str(python_of(environment)), str(lock)], check=True)
    stamp.write_text(digest)


def versions(environment: str | None, packages: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each of `packages`."""
    site = (
        sys.path
        if environment is None
        else [str(p) for p in (CACHE / environment).glob("lib/*/site-packages")]
    )
    found = {package: importlib.metadata.distributions(name=package, path=site) for package in packages}
    return {package: next(iter(distributions)).version for package, distributions in found.items()}
