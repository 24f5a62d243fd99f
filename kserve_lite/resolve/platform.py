"""What a pod template takes from the installation rather than from the user."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kserve_lite import __version__
from kserve_lite.api.config import Config, PodDefaults, Propagation, Storage
from kserve_lite.resolve.plain import digest, plain
from kserve_lite.resolve.runtime import Runtime

INITIALIZER = f"ghcr.io/kserve-lite/storage-initializer:{__version__}"


MOST = 256
_KNOWN: dict[tuple[int, int], tuple["Platform", Config, Runtime | None]] = {}


@dataclass(frozen=True)
class Platform:
    """The runtime and the settings that reach into pods: pinned together, so that none of them restarts a pod."""

    pods: PodDefaults
    storage: Storage
    propagation: Propagation
    runtime: Runtime | None

    @cached_property
    def plain(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        found: dict[str, Any] = plain(self)
        return found

    @cached_property
    def digest(self) -> str:
        """A hash of all of it."""
        return digest(self.plain)


def platform(config: Config, runtime: Runtime | None) -> Platform:
    """Return what holds now, the same object for the same two: a thousand services share one, and its hash.

    The image that fetches models is spelt out, as the next release has another.
    """
    known = _KNOWN.get((id(config), id(runtime)))
    if known is None:
        while len(_KNOWN) >= MOST:
            del _KNOWN[next(iter(_KNOWN))]
        # With what it was made of, so that no other object takes their place in memory.
        known = _KNOWN[id(config), id(runtime)] = (_made(config, runtime), config, runtime)
    return known[0]


def _made(config: Config, runtime: Runtime | None) -> Platform:
    step = config.storage.initializer
    spelt_out = step.model_copy(update={"image": step.image or INITIALIZER})
    storage = config.storage.model_copy(update={"initializer": spelt_out})
    return Platform(config.pods, storage, config.propagation, runtime)
