"""Run a program to its end, and say what it said when it fails."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.errors import ToolError


def run(
    command: Sequence[str | Path],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 300,
    remedy: str = "read its words above",
) -> str:
    """Return the standard output of a command; raise `ToolError` when it fails or outlasts `timeout` seconds."""
    name = " ".join(str(part) for part in command)
    try:
        done = subprocess.run(
            [str(part) for part in command],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError(f"there is no {command[0]}", remedy) from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"`{name}` was not done after {timeout:.0f} s", remedy) from error
    if done.returncode:
        raise ToolError(f"`{name}` failed ({done.returncode}): {(done.stderr + done.stdout)[-2000:]}", remedy)
    return done.stdout
