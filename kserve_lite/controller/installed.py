"""The runtimes that are installed, read once each: valid ones to choose from, the others with what is wrong."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from kserve_lite.api.manifests import load
from kserve_lite.api.problems import InvalidObject, Problem
from kserve_lite.api.servingruntime import ClusterServingRuntime, ServingRuntime
from kserve_lite.controller.inferenceservice.understand import Broken
from kserve_lite.controller.runtime.informer import Informer
from kserve_lite.resolve.installed import installed
from kserve_lite.resolve.runtime import Runtime

log = logging.getLogger(__name__)

Object = dict[str, Any]


@dataclass
class Installed:
    """Runtimes by namespace, parsed when they change and not at every look."""

    runtimes: Informer
    cluster_runtimes: Informer
    _read: dict[str, tuple[str, Runtime | Broken]] = field(default_factory=dict)

    def for_namespace(self, namespace: str) -> tuple[list[Runtime], list[Broken]]:
        """The runtimes that a service of `namespace` may use, and those that are invalid themselves."""
        own = self.runtimes.find("namespace", namespace)
        read = [self.read(obj) for obj in (*own, *self.cluster_runtimes)]
        return [one for one in read if isinstance(one, Runtime)], [
            one for one in read if isinstance(one, Broken)
        ]

    def read(self, obj: Object) -> Runtime | Broken:
        """Return one runtime as it is chosen from, or what is wrong with it."""
        uid, version = obj["metadata"]["uid"], obj["metadata"]["resourceVersion"]
        known = self._read.get(uid)
        if known is None or known[0] != version:
            self._read[uid] = known = (version, parse(obj))
        return known[1]


def parse(obj: Object) -> Runtime | Broken:
    """Read a ServingRuntime or ClusterServingRuntime. Never raises."""
    meta = obj["metadata"]
    try:
        resource = load(plain(obj))
        assert isinstance(resource, ServingRuntime | ClusterServingRuntime)
        return installed(resource)
    except InvalidObject as invalid:
        return Broken(obj["kind"], meta["name"], invalid.problems)
    except Exception as error:
        log.exception("%s %s", obj["kind"], meta["name"])
        problem = Problem("internal", "", f"{type(error).__name__}: {error}")
        return Broken(obj["kind"], meta["name"], (problem,))


def plain(obj: Object) -> Object:
    """Return an object as a user writes it, without what the API server keeps in its metadata."""
    meta = obj["metadata"]
    return {
        **obj,
        "metadata": {name: meta[name] for name in ("name", "namespace", "annotations") if name in meta},
    }
