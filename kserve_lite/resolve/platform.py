"""What a pod template takes from the installation rather than from the user."""

from dataclasses import dataclass

from kserve_lite import __version__
from kserve_lite.api.config import Config, PodDefaults, Propagation, Storage
from kserve_lite.resolve.runtime import Runtime

INITIALIZER = f"ghcr.io/kserve-lite/storage-initializer:{__version__}"


@dataclass(frozen=True)
class Platform:
    """The runtime and the settings that reach into pods: pinned together, so that none of them restarts a pod."""

    pods: PodDefaults
    storage: Storage
    propagation: Propagation
    runtime: Runtime | None


def platform(config: Config, runtime: Runtime | None) -> Platform:
    """Return what holds now; the image that fetches models is spelt out, as the next release has another."""
    step = config.storage.initializer
    spelt_out = step.model_copy(update={"image": step.image or INITIALIZER})
    storage = config.storage.model_copy(update={"initializer": spelt_out})
    return Platform(config.pods, storage, config.propagation, runtime)
