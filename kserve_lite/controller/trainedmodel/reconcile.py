"""One TrainedModel: its list is its parent's child, so all that is left to do is to say how it is."""

from __future__ import annotations

from dataclasses import dataclass

from kserve_lite.api.config import Config
from kserve_lite.controller.cluster import Cluster
from kserve_lite.controller.inferenceservice.understand import understand
from kserve_lite.controller.installed import Installed
from kserve_lite.controller.runtime.controller import Requeue
from kserve_lite.controller.runtime.kube import ApiError, Key, Kube, Object
from kserve_lite.controller.runtime.status import write_status
from kserve_lite.controller.trainedmodel.ask import addresses, ask
from kserve_lite.controller.trainedmodel.status import Said, status
from kserve_lite.resolve.effective import Effective

SOON, LATER = 5.0, 60.0
"""Seconds until the servers are asked again: while a model is on its way, and at rest."""


@dataclass
class TrainedModels:
    """Reconciles TrainedModels; a model whose parent is missing waits, and is never deleted."""

    kube: Kube
    cluster: Cluster
    installed: Installed
    config: Config

    async def reconcile(self, key: Key) -> Requeue | None:
        """Write the status."""
        obj = self.cluster.trained_models.get(key)
        if obj is None or "deletionTimestamp" in obj["metadata"]:
            return None
        at = Key(key.namespace, obj["spec"]["inferenceService"])
        parent = self.cluster.services.get(at)
        effective = None if parent is None else self._effective(parent)
        servers: list[Said] = []
        if effective is not None:
            servers = await ask(addresses(self.cluster.pods_of(at), effective.predictor.port))
        obj = self.cluster.trained_models.get(key)
        if obj is None:
            return None
        after = status(obj, parent, effective, servers)
        try:
            await write_status(self.kube, self.cluster.trained_models, obj, after)
        except ApiError as error:
            if error.code != 404:  # deleted meanwhile
                raise
            return None
        if parent is None:
            return None  # its creation asks for another look
        return Requeue(after=LATER if after["conditions"][0]["status"] == "True" else SOON)

    def _effective(self, service: Object) -> Effective | None:
        namespace = service["metadata"]["namespace"]
        runtimes = self.installed.for_namespace(namespace)
        return understand(service, *runtimes, self.config, self.cluster.surroundings_of(namespace)).effective
