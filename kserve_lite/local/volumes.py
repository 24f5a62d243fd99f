"""What a container finds at its mount paths, on this machine: fetched files, folders in place, texts of a ConfigMap."""

import os.path
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kserve_lite.api.problems import Problem
from kserve_lite.local.part import Fetch, Files, Mount
from kserve_lite.resolve.effective import Component, Storage
from kserve_lite.resolve.storage import scheme

Texts = Mapping[tuple[str, str], Mapping[str, str]]
# The machine has one; a path below it in an argument is the machine's own.
_TMP = "/tmp"


@dataclass
class Found:
    """What lies at the mount paths of one container, and what stands against it."""

    fetches: list[Fetch] = field(default_factory=list)
    mounts: list[Mount] = field(default_factory=list)
    files: list[Files] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def volumes(
    component: Component,
    container: Mapping[str, Any],
    namespace: str,
    folder: Path,
    mounts: Mapping[str, Path],
    texts: Texts,
) -> Found:
    """Map the storage steps of a component and the volume mounts of its container.

    `mounts` gives the folder that stands for a claim, a ConfigMap or a volume by its name; `texts` are the ConfigMaps
    of the manifests, by namespace and name.
    """
    found = Found()
    for step in component.storage:
        _stored(step, folder, mounts, found)
    by_name = {volume["name"]: volume for volume in component.pod.get("volumes") or ()}
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        if mount["mountPath"] != _TMP and (volume := by_name.get(mount["name"])) is not None:
            at = f"{component.field}.volumeMounts[{index}]"
            _mounted(volume, mount["mountPath"], at, namespace, mounts, texts, found)
    return found


def local_path(uri: str, folder: Path) -> Path | None:
    """Return the place of a plain path or file:// URI, None for every other scheme."""
    if uri.startswith("file://"):
        uri = uri.removeprefix("file://").removeprefix("localhost")
    elif scheme(uri):
        return None
    return Path(os.path.normpath(folder / uri))


def _stored(step: Storage, folder: Path, mounts: Mapping[str, Path], found: Found) -> None:
    if step.claim is None:
        path = local_path(step.uri, folder)
        found.fetches.append(Fetch(f"file://{path}" if path else step.uri, step.mount_path, step.path, path))
    elif (root := mounts.get(step.claim[0])) is not None:
        found.mounts.append(Mount(root / step.claim[1], step.mount_path))
    else:
        message = f"the volume claim {step.claim[0]} is not known on this machine"
        remedy = f"say which folder it is: --mount {step.claim[0]}=FOLDER"
        found.problems.append(Problem("claim_not_mounted", step.path, message, remedy))


def _mounted(
    volume: Mapping[str, Any],
    mount_path: str,
    at: str,
    namespace: str,
    mounts: Mapping[str, Path],
    texts: Texts,
    found: Found,
) -> None:
    kind, source = next(((key, value) for key, value in volume.items() if key != "name"), ("", {}))
    given = source if isinstance(source, Mapping) else {}
    name = str(given.get("name") or given.get("claimName") or given.get("secretName") or volume["name"])
    if (folder := mounts.get(name) or mounts.get(volume["name"])) is not None:
        found.mounts.append(Mount(folder, mount_path))
    elif kind == "emptyDir":
        found.files.append(Files(mount_path))
    elif kind == "configMap" and (namespace, name) in texts:
        found.files.append(Files(mount_path, tuple(sorted(texts[namespace, name].items()))))
    else:
        message = f"the {kind or 'volume'} {name} is not known on this machine"
        more = ", or add the ConfigMap to the files" if kind == "configMap" else ""
        remedy = f"say which folder it is: --mount {name}=FOLDER{more}"
        found.problems.append(Problem("volume_not_mounted", at, message, remedy))
