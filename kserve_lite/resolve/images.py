"""Every image that an installation may pull: what a registry behind a wall must hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import kserve_lite
from kserve_lite.api.values.common import ImageName
from kserve_lite.api.values.main import MainChart
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.runtime import Runtime


@dataclass(frozen=True)
class Image:
    """One image by its whole name, and what it is for: a part of kserve-lite, or a runtime."""

    use: str
    reference: str

    def at(self, registry: str) -> str:
        """Return the name under which another registry holds it, as `global.imageRegistry` makes it."""
        return f"{registry.rstrip('/')}/{self.reference.partition('/')[2]}"


def images(runtimes: Sequence[Runtime] = BUILT_IN) -> list[Image]:
    """Return kserve-lite's own images and those of `runtimes`, each once."""
    return list(dict.fromkeys([*_own(), *_of(runtimes)]))


def _own() -> Iterator[Image]:
    values = MainChart()
    yield Image("controller", _reference(values.controller.image))
    yield Image("storage-initializer", _reference(values.images.storage_initializer))
    yield Image("router", _reference(values.images.router))


def _of(runtimes: Sequence[Runtime]) -> Iterator[Image]:
    for runtime in runtimes:
        for container in runtime.containers:
            yield Image(runtime.name, container["image"])


def _reference(image: ImageName) -> str:
    return f"{image.registry}/{image.repository}:{image.tag or kserve_lite.__version__}"
