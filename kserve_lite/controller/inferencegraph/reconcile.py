"""One InferenceGraph made true: understand it with its services, apply its router, report."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from kserve_lite.api.config import Config
from kserve_lite.controller.cluster import Cluster
from kserve_lite.controller.inferencegraph.status import status
from kserve_lite.controller.inferencegraph.understand import read_graph, understand_graph
from kserve_lite.controller.inferenceservice.understand import understand
from kserve_lite.controller.installed import Installed
from kserve_lite.controller.runtime.apply import Applied, Applier
from kserve_lite.controller.runtime.controller import Retry
from kserve_lite.controller.runtime.events import Recorder
from kserve_lite.controller.runtime.kube import ApiError, Key, Kube, Object
from kserve_lite.controller.runtime.status import write_status
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.graph import named

log = logging.getLogger(__name__)


@dataclass
class InferenceGraphs:
    """Reconciles InferenceGraphs."""

    kube: Kube
    cluster: Cluster
    applier: Applier
    recorder: Recorder
    installed: Installed
    config: Config

    async def reconcile(self, key: Key) -> Retry | None:
        """Bring the cluster to what the graph says; a graph that is not understood keeps the router that it has."""
        obj = self.cluster.graphs.get(key)
        if obj is None or "deletionTimestamp" in obj["metadata"]:
            return None  # children go with their owner
        understood = read_graph(obj)
        services: dict[str, Object] = {}
        if understood.graph is not None:
            services = {
                name: service
                for name in dict.fromkeys(named(understood.graph))
                if (service := self.cluster.services.get(Key(key.namespace, name))) is not None
            }
            effective = {name: self._effective(service) for name, service in services.items()}
            understood = understand_graph(understood.graph, effective, self.config)
        if understood.effective is None:
            applied = Applied(live=self.applier.children(obj))
        else:
            applied = await self.applier.apply(obj, understood.children)
            if applied.written or applied.deleted:
                log.info("graph %s: wrote %s, deleted %s", key, applied.written, applied.deleted)
        await self._report(key, status(obj, understood, applied.live, services, applied.refused))
        return Retry() if applied.refused else None

    def _effective(self, service: Object) -> Effective | None:
        namespace = service["metadata"]["namespace"]
        runtimes = self.installed.for_namespace(namespace)
        surroundings = self.cluster.surroundings_of(namespace)
        return understand(service, *runtimes, self.config, surroundings).effective

    async def _report(self, key: Key, after: Object) -> None:
        obj = self.cluster.graphs.get(key)
        if obj is None:
            return
        was, now = (_ready(one) for one in (obj.get("status") or {}, after))
        try:
            if not await write_status(self.kube, self.cluster.graphs, obj, after):
                return
        except ApiError as error:
            if error.code == 404:  # deleted meanwhile
                return
            raise
        if (was.get("status"), was.get("reason")) == (now.get("status"), now.get("reason")):
            return
        if now["status"] == "True":
            await self.recorder.event(
                obj, "Normal", "InferenceGraphReady", "Reconcile", f"answers at {after['url']}"
            )
        elif now["status"] == "False":
            await self.recorder.event(obj, "Warning", now["reason"], "Reconcile", now["message"])


def _ready(status: Object) -> Object:
    return next((one for one in status.get("conditions") or () if one["type"] == "Ready"), {})
