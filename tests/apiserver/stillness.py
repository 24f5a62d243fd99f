"""When a controller has nothing left to do: it has seen all that the server has, and has looked at it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from kserve_lite.controller.runtime.controller import Controller
from kserve_lite.controller.runtime.informer import Informer, key_of
from kserve_lite.controller.runtime.kube import TRANSIENT


async def still(informers: Sequence[Informer], controllers: Sequence[Controller]) -> None:
    """Wait until the informers hold what the server has and no key waits or is worked on.

    A key that waits out a back-off does not count: what it waits for is a test's own to name.
    """
    while not (_quiet(controllers) and await _current(informers) and _quiet(controllers)):
        await asyncio.sleep(0.05)


def _quiet(controllers: Iterable[Controller]) -> bool:
    return all(controller.queue.quiet for controller in controllers)


async def _current(informers: Iterable[Informer]) -> bool:
    """Compare with fresh lists, which are not counted as the controller's requests."""
    for informer in informers:
        kube = replace(informer.kube, counts={})
        there = {}
        try:
            for namespace in informer.namespaces:
                async for page in kube.pages(informer.kind, namespace, informer.labels):
                    there |= {key_of(obj): obj["metadata"]["resourceVersion"] for obj in page.items}
        except TRANSIENT:
            if informer.absent is None:
                return False
            continue
        if there != {key_of(obj): obj["metadata"]["resourceVersion"] for obj in informer}:
            return False
    return True
