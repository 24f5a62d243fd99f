"""One look at one InferenceService of a live cluster, by the controller's own code and without a controller."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kserve_lite.api.config import Config
from kserve_lite.controller.cluster import Cluster
from kserve_lite.controller.gather import Gatherer
from kserve_lite.controller.inferenceservice.explain import Step, explain
from kserve_lite.controller.inferenceservice.observe import observe
from kserve_lite.controller.inferenceservice.understand import understand
from kserve_lite.controller.installed import Installed
from kserve_lite.controller.runtime.apply import Applier
from kserve_lite.controller.runtime.kube import Key, Kube


async def inspect(
    name: str, namespace: str | None, config: Config, kubeconfig: Path | None, context: str | None
) -> list[Step] | None:
    """Return the steps of a service, or None when there is no such service. Only reads; raises `ApiError`."""
    kube = Kube.connect(kubeconfig, context)
    try:
        where = namespace or kube.namespace or "default"
        cluster = Cluster.watch(kube, config, (where,))
        await asyncio.gather(*(informer.read() for informer in cluster))
        key = Key(where, name)
        service = cluster.services.get(key)
        if service is None:
            return None
        installed = Installed(cluster.runtimes, cluster.cluster_runtimes)
        live = Applier(kube, cluster.children).children(service)
        understood = understand(
            service, *installed.for_namespace(where), config, cluster.surroundings_of(where), live
        )
        pods, _ = await Gatherer(kube).gather(cluster.pods_of(key))
        look = observe(service, understood, live, pods)
        return explain(service, understood, look, live, pods)
    finally:
        await kube.close()
