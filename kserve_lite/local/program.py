"""What of a container can run on this machine: our own servers, and commands; an image cannot."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kserve_lite.api.problems import Problem
from kserve_lite.resolve.catalogue import IMAGE
from kserve_lite.resolve.explainer import COMMAND as EXPLAINER

_PYTHON = ("python", "python3")
_SERVER = (sys.executable, "-m", "kserve_lite_server")
_EXPLAINER = (sys.executable, "-m", "kserve_lite_server.explain")


def program(
    container: Mapping[str, Any], field: str, runtime: str, folder: Path
) -> tuple[str, ...] | Problem:
    """Return the command line that stands for a container's image and command, or why there is none.

    `python` is the interpreter of the project in `folder` when that has a .venv, else the one that runs this.
    """
    image, command = str(container.get("image") or ""), [str(part) for part in container.get("command") or ()]
    if not command:
        return _SERVER if image == IMAGE else _no_containers(image, field, runtime)
    if command == [EXPLAINER]:
        return _EXPLAINER
    first, *rest = command
    if first in _PYTHON:
        own = folder / ".venv" / "bin" / "python"
        return (str(own) if own.exists() else sys.executable, *rest)
    if (found := shutil.which(first, path=None if "/" not in first else str(folder))) is None:
        return Problem(
            "command_not_local",
            f"{field}.command",
            f"there is no {first} on this machine",
            "install it, or take this component out of the file for local work",
        )
    return (found, *rest)


def is_server(command: tuple[str, ...]) -> bool:
    """Say whether a command line is our model server's."""
    return command == _SERVER


def _no_containers(image: str, field: str, runtime: str) -> Problem:
    """An image without a command: what would run is inside it."""
    what = f"it runs the image {image or 'of nothing'}" + (f" ({runtime})" if runtime else "")
    message = f"{what}, and a laptop has no containers: here {IMAGE} and commands run as processes"
    if runtime:
        remedy = "use modelFormat sklearn with runtime kserve-sklearnserver, or deploy this one to a cluster"
    else:
        remedy = (
            f"write its command, such as {field}.command: [python, transformer.py], and it runs as a process"
        )
    return Problem("runtime_not_local", field, message, remedy)
