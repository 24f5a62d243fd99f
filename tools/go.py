"""Build a program from the Go modules that a family's go.mod and go.sum pin."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from tools.catalogue import Family, Program
from tools.errors import ToolError
from tools.progress import Progress


def build(family: Family, program: Program, target: Path, progress: Progress) -> None:
    """Compile `program` to `target`; what Go compiled before an interruption is in its own cache."""
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(
        missing_ok=True
    )  # half of a program, from a run that was killed; Go will not write over it
    command = [executable(), "build", "-v", "-trimpath", "-ldflags", ldflags(family), "-o", str(partial)]
    command.append(f"{family.pin}/{program.package}".rstrip("/"))
    said = []
    with subprocess.Popen(
        command, cwd=family.folder, env=environment(), stderr=subprocess.PIPE, text=True, errors="replace"
    ) as running:
        for line in running.stderr or ():
            said.append(line)
            progress.step(line.strip())
    if running.returncode:
        raise ToolError(
            f"{program.name} did not build:\n{''.join(said[-20:])}",
            "read Go's words above; without access to a module proxy, set GOPROXY to one that you can reach",
        )
    partial.replace(target)


def source(family: Family) -> Path:
    """Return the family's pinned module in Go's module cache, downloading it when it is not there."""
    done = subprocess.run(
        [executable(), "mod", "download", "-json", family.pin],
        cwd=family.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolError(
            f"{family.pin} cannot be had: {done.stdout}{done.stderr}", "check GOPROXY and the network"
        )
    return Path(json.loads(done.stdout)["Dir"])


def ldflags(family: Family) -> str:
    """Return the linker's flags: no symbols, and the version where the program must know its own."""
    major, minor, *_ = family.version.split(".")
    return f"-s -w {family.ldflags.format(version=family.version, major=major, minor=minor)}".strip()


def executable() -> str:
    """Return the Go command of this machine."""
    if found := shutil.which("go"):
        return found
    raise ToolError("there is no `go` on PATH", "install Go 1.26 or newer (https://go.dev/doc/install)")


def environment() -> dict[str, str]:
    """Return the environment of a build: static programs, nothing but what go.sum names."""
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
