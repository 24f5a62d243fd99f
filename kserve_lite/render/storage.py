"""The files of a component in its pod: claims and images mounted, everything else fetched by an init container."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kserve_lite.render.fetching import initializers
from kserve_lite.render.modelcar import sidecars
from kserve_lite.resolve.effective import Component, Storage

VOLUME = "kserve-provision-location"
CLAIM = "kserve-pvc-source"
IMAGE = "kserve-oci-source"
MODELS = "models"
"""The folder of a model image that holds the model."""


@dataclass
class Provision:
    """What the pod needs so that the files are there when its containers start.

    `mounts` belong to the containers that read the files, `pod` into the pod's specification, `user` is the one as
    whom these containers must run, if that matters.
    """

    volumes: list[dict[str, Any]] = field(default_factory=list)
    mounts: list[dict[str, Any]] = field(default_factory=list)
    init_containers: list[dict[str, Any]] = field(default_factory=list)
    pod: dict[str, Any] = field(default_factory=dict)
    user: int | None = None

    def read_by(self, container: Mapping[str, Any]) -> dict[str, Any]:
        """Return a container that reads the files."""
        done = dict(container)
        if self.mounts:
            done["volumeMounts"] = [*(done.get("volumeMounts") or ()), *self.mounts]
        if self.user is not None:
            same = {"runAsUser": self.user, "runAsGroup": self.user}
            done["securityContext"] = {**(done.get("securityContext") or {}), **same}
        return done


def provision(component: Component) -> Provision:
    """Return volumes, the mounts of the containers that read the files, and what brings the files before they start."""
    done = Provision()
    for volume, mount in [*_claims(component), *_images(component), *_downloads(component)]:
        if volume not in done.volumes:
            done.volumes.append(volume)
        done.mounts.append(mount)
    if any(step.mode == "download" for step in component.storage):
        own = [mount for mount in done.mounts if mount["name"].startswith(VOLUME)]
        containers, volumes = initializers(component, [{**mount, "readOnly": False} for mount in own])
        done.init_containers += containers
        done.volumes += volumes
    if any(step.mode == "modelcar" for step in component.storage):
        sidecars(component, done)
    return done


Pair = tuple[dict[str, Any], dict[str, Any]]


def _claims(component: Component) -> Iterator[Pair]:
    """Yield volume and mount of each `pvc://CLAIM/FOLDER`; a claim that is named twice is one volume."""
    steps = [step for step in component.storage if step.claim is not None]
    names = list(dict.fromkeys((step.claim or ("", ""))[0] for step in steps))
    writable = {(step.claim or ("", ""))[0] for step in steps if not step.read_only}
    for step in steps:
        claim, folder = step.claim or ("", "")
        volume = numbered(CLAIM, names.index(claim))
        source = {"claimName": claim, "readOnly": claim not in writable}
        mount = {"name": volume, "mountPath": step.mount_path, "readOnly": step.read_only}
        yield (
            {"name": volume, "persistentVolumeClaim": source},
            mount | ({"subPath": folder} if folder else {}),
        )


def _images(component: Component) -> Iterator[Pair]:
    """Yield volume and mount of each image that the container runtime itself brings as a volume."""
    for index, step in enumerate(step for step in component.storage if step.mode == "image"):
        volume = numbered(IMAGE, index)
        source = {"reference": step.uri.partition("://")[2], "pullPolicy": "IfNotPresent"}
        yield {"name": volume, "image": source}, {"name": volume, **_place(component, step), "readOnly": True}


def _place(component: Component, step: Storage) -> dict[str, str]:
    """Return where an image is mounted so that its folder `/models` is at the step's path.

    As a whole at the parent of `…/models`: container runtimes that ignore `subPath` of an image (containerd 2.1) serve
    it too. Only where nothing else is mounted below that parent, since an image has no folder to mount it on.
    """
    parent, _, last = step.mount_path.rpartition("/")
    mounts = [mount["mountPath"] for mount in component.container.get("volumeMounts") or ()]
    paths = [*(other.mount_path for other in component.storage if other is not step), *mounts]
    if last == MODELS and parent and not any(f"{path}/".startswith(f"{parent}/") for path in paths):
        return {"mountPath": parent}
    return {"mountPath": step.mount_path, "subPath": MODELS}


def _downloads(component: Component) -> Iterator[Pair]:
    """Yield a volume for each path that is downloaded to; two sources may share a path."""
    steps = [step for step in component.storage if step.mode == "download"]
    for index, path in enumerate(dict.fromkeys(step.mount_path for step in steps)):
        volume = numbered(VOLUME, index)
        mount = {"name": volume, "mountPath": path, "readOnly": _read_only(steps, path)}
        yield {"name": volume, "emptyDir": {}}, mount


def _read_only(steps: Sequence[Storage], path: str) -> bool:
    return all(step.read_only for step in steps if step.mount_path == path)


def numbered(name: str, index: int) -> str:
    """Return the name of the first, second, … of several."""
    return name if index == 0 else f"{name}-{index}"
