"""The files of a component in its pod: volume claims mounted, everything else fetched by an init container."""

from dataclasses import dataclass, field
from typing import Any

from kserve_lite import __version__
from kserve_lite.resolve.defaults import secured
from kserve_lite.resolve.effective import Component

IMAGE = f"ghcr.io/kserve-lite/storage-initializer:{__version__}"
VOLUME = "kserve-provision-location"
CLAIM = "kserve-pvc-source"


@dataclass(frozen=True)
class Provision:
    """What the pod needs so that the files are there when its containers start."""

    volumes: list[dict[str, Any]] = field(default_factory=list)
    mounts: list[dict[str, Any]] = field(default_factory=list)
    init_containers: list[dict[str, Any]] = field(default_factory=list)


def provision(component: Component) -> Provision:
    """Return volumes, the mounts of the containers that read the files, and the init container that fetches them."""
    settings = component.platform.storage
    done = Provision()
    fetched = [step for step in component.storage if step.claim is None]
    for index, step in enumerate(step for step in component.storage if step.claim is not None):
        assert step.claim is not None
        claim, sub_path = step.claim
        volume = CLAIM if index == 0 else f"{CLAIM}-{index}"
        done.volumes.append(
            {
                "name": volume,
                "persistentVolumeClaim": {"claimName": claim, "readOnly": settings.pvc_read_only},
            }
        )
        mount = {"name": volume, "mountPath": step.mount_path, "readOnly": settings.pvc_read_only}
        done.mounts.append(mount | ({"subPath": sub_path} if sub_path else {}))
    paths = dict.fromkeys(step.mount_path for step in fetched)
    for index, path in enumerate(paths):
        volume = VOLUME if index == 0 else f"{VOLUME}-{index}"
        done.volumes.append({"name": volume, "emptyDir": {}})
        done.mounts.append({"name": volume, "mountPath": path, "readOnly": True})
    if fetched:
        done.init_containers.append(
            secured(
                {
                    "name": "storage-initializer",
                    "image": settings.initializer.image or IMAGE,
                    "args": [part for step in fetched for part in (step.uri, step.mount_path)],
                    "resources": settings.initializer.resources,
                    "terminationMessagePolicy": "FallbackToLogsOnError",
                    "volumeMounts": [
                        {key: value for key, value in mount.items() if key != "readOnly"}
                        for mount in done.mounts
                        if mount["name"].startswith(VOLUME)
                    ],
                    "securityContext": {"readOnlyRootFilesystem": True},
                }
            )
        )
    return done
