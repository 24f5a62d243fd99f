"""Say on a runtime itself, by an event, that it is not used or that no model could decide for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kserve_lite.api.manifests import load
from kserve_lite.api.problems import InvalidObject
from kserve_lite.api.rules.servingruntime import conflicts
from kserve_lite.api.servingruntime import ClusterServingRuntime, ServingRuntime
from kserve_lite.controller.inferenceservice.understand import Broken
from kserve_lite.controller.installed import Installed, plain
from kserve_lite.controller.runtime.events import Recorder
from kserve_lite.controller.runtime.informer import Informer
from kserve_lite.controller.runtime.kube import Key, Object
from kserve_lite.resolve.runtime import PROTOCOLS


@dataclass
class Runtimes:
    """Judges the runtimes of one kind; they have no status to write into."""

    informer: Informer
    installed: Installed
    recorder: Recorder

    async def reconcile(self, key: Key) -> None:
        """Tell what is wrong with a runtime, if something is."""
        runtime = self.informer.get(key)
        if runtime is None:
            return
        read = self.installed.read(runtime)
        if isinstance(read, Broken):
            note = "; ".join(map(str, read.problems))
            await self.recorder.event(runtime, "Warning", "RuntimeInvalid", "Read", f"it is not used: {note}")
            return
        for note in conflicting(runtime, list(self.informer)):
            await self.recorder.event(runtime, "Warning", "RuntimeConflict", "Read", note)


def conflicting(runtime: Object, others: list[Object]) -> Iterator[str]:
    """Yield a sentence for each runtime of the same scope between which and this one no model could decide."""
    name, namespace = runtime["metadata"]["name"], runtime["metadata"].get("namespace")
    near = [obj for obj in others if obj["metadata"].get("namespace") == namespace]
    valid = {resource.name: resource for resource in _valid(near)}
    for one, other, problem in conflicts([*valid.values()]):
        # Of equal priority the one that speaks the simpler protocol is chosen: then the name need not decide.
        if name in (one, other) and _simplest(valid[one]) == _simplest(valid[other]):
            yield str(problem)


def _simplest(runtime: ServingRuntime | ClusterServingRuntime) -> int:
    spoken = runtime.spec.protocol_versions or ()
    return min((PROTOCOLS.index(one) for one in spoken if one in PROTOCOLS), default=len(PROTOCOLS))


def _valid(objects: list[Object]) -> Iterator[ServingRuntime | ClusterServingRuntime]:
    for obj in objects:
        try:
            resource = load(plain(obj))
        except InvalidObject:
            continue
        assert isinstance(resource, ServingRuntime | ClusterServingRuntime)
        yield resource
