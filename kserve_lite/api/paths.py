"""How the place of a value inside an object is written: `spec.predictor.containers[0].env`."""

import re

Path = tuple[str | int, ...]

PLAIN_KEY = re.compile(r"^[A-Za-z_$<][A-Za-z0-9_-]*$")


def dotted(path: Path) -> str:
    """Write a path as Kubernetes does: dots between fields, brackets around indexes and keys with a dot or slash."""
    text = ""
    for step in path:
        if isinstance(step, int) or not PLAIN_KEY.match(step):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def parent(path: str) -> str:
    """Return the path one step up; of a key in brackets that holds a dot, possibly only a part of it."""
    return path[: max(path.rfind("."), path.rfind("["), 0)]
