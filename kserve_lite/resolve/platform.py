"""What a pod template takes from the installation rather than from the user."""

from dataclasses import dataclass

from kserve_lite.api.config import PodDefaults, Propagation, Storage


@dataclass(frozen=True)
class Platform:
    """The settings that reach into pods: pinned together with the runtime, so that none of them restarts a pod."""

    pods: PodDefaults
    storage: Storage
    propagation: Propagation
