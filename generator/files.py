"""Put generated files into a tree, or say how a tree differs from them."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

Files = Mapping[str, str]
"""Text by path below the root of the tree."""

OWNED = (
    "schemas/crds",
    "schemas/json",
    "charts/*/crds",
    "charts/*/files",
    "kserve_lite/crds",
    "docs/reference",
)
"""Folders that hold nothing but generated files: whatever else is found there is stale."""


def write(files: Files, root: Path) -> list[str]:
    """Make `root` hold exactly `files`; return the paths that changed."""
    changed = []
    for path, text in files.items():
        target = root / path
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            changed.append(path)
    for path in stale(files, root):
        (root / path).unlink()
        changed.append(path)
    return sorted(changed)


def differences(files: Files, root: Path) -> str:
    """Return a unified diff from the tree to `files`; empty when they agree."""
    parts = []
    for path, text in sorted(files.items()):
        target = root / path
        present = target.read_text(encoding="utf-8") if target.is_file() else ""
        parts += _diff(path, present, text)
    for path in stale(files, root):
        parts += _diff(path, (root / path).read_text(encoding="utf-8"), "")
    return "".join(parts)


def stale(files: Files, root: Path) -> Iterator[str]:
    """Yield files in generated folders that nothing generates any more."""
    for pattern in OWNED:
        for folder in sorted(root.glob(pattern)):
            for file in sorted(folder.rglob("*")):
                path = file.relative_to(root).as_posix()
                if file.is_file() and path not in files:
                    yield path


def _diff(path: str, present: str, generated: str) -> list[str]:
    if present == generated:
        return []
    lines = difflib.unified_diff(
        present.splitlines(keepends=True),
        generated.splitlines(keepends=True),
        fromfile=f"{path} (in the tree)",
        tofile=f"{path} (generated)",
    )
    return [line if line.endswith("\n") else f"{line}\n" for line in lines]
