"""OCI models that run beside the server: it reads their files through /proc, so nothing is copied.

The image must hold `sh`, `ln` and `sleep` beside the folder /models. Both containers run as one user in one process
namespace; that is what lets the one look into the other without any privilege.
"""

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from kserve_lite.resolve.defaults import secured
from kserve_lite.resolve.effective import Component

if TYPE_CHECKING:
    from kserve_lite.render.storage import Provision

NAME = "modelcar"
USER = 1000  # that of KServe's and of our own server images
# `$$$$` is `$$` to the shell: Kubernetes reads `$$` as one `$`.
LINK = "ln -sfn /proc/$$$$/root/models {0} && exec sleep infinity"
LINKED = "test -e {0}"


def sidecars(component: Component, done: "Provision") -> None:
    """Add to `done` a sidecar for each model image, and the folder in which it puts a link to its files."""
    user = (component.container.get("securityContext") or {}).get("runAsUser", USER)
    steps = [step for step in component.storage if step.mode == "modelcar"]
    parents = list(dict.fromkeys(str(PurePosixPath(step.mount_path).parent) for step in steps))
    for index, parent in enumerate(parents):
        volume = f"{NAME}-{index}"
        done.volumes.append({"name": volume, "emptyDir": {}})
        done.mounts.append({"name": volume, "mountPath": parent, "readOnly": True})
    for index, step in enumerate(steps):
        volume = f"{NAME}-{parents.index(str(PurePosixPath(step.mount_path).parent))}"
        done.init_containers.append(_sidecar(index, step.uri, step.mount_path, volume, int(user)))
    done.pod["shareProcessNamespace"] = True
    done.user = int(user)


def _sidecar(index: int, uri: str, path: str, volume: str, user: int) -> dict[str, Any]:
    """Return a sidecar that is up before the server starts: its startup probe waits for the link."""
    return secured(
        {
            "name": NAME if index == 0 else f"{NAME}-{index}",
            "image": uri.partition("://")[2],
            "restartPolicy": "Always",
            "command": ["sh", "-c", LINK.format(path)],
            "startupProbe": {
                "exec": {"command": ["sh", "-c", LINKED.format(path)]},
                "periodSeconds": 1,
                "failureThreshold": 60,
            },
            "resources": {"requests": {"cpu": "10m", "memory": "15Mi"}},
            "volumeMounts": [{"name": volume, "mountPath": str(PurePosixPath(path).parent)}],
            "securityContext": {"runAsUser": user, "runAsGroup": user},
        }
    )
