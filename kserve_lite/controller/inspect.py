"""One look at one object of ours in a live cluster, by the controller's own code and without a controller."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kserve_lite.api.config import Config
from kserve_lite.controller.cluster import Cluster
from kserve_lite.controller.gather import Gatherer
from kserve_lite.controller.inferencegraph.status import status
from kserve_lite.controller.inferencegraph.understand import read_graph, understand_graph
from kserve_lite.controller.inferenceservice.explain import State, Step, explain
from kserve_lite.controller.inferenceservice.observe import observe
from kserve_lite.controller.inferenceservice.understand import Understood, understand
from kserve_lite.controller.installed import Installed
from kserve_lite.controller.runtime.apply import Applier
from kserve_lite.controller.runtime.kube import Key, Kube, Object
from kserve_lite.resolve.graph import named


async def inspect(
    name: str, namespace: str | None, config: Config, kubeconfig: Path | None, context: str | None
) -> list[Step] | None:
    """Return the steps of a service, else of a graph or a TrainedModel of that name, or None when there is none.

    Only reads; raises `ApiError`.
    """
    kube = Kube.connect(kubeconfig, context)
    try:
        where = namespace or kube.namespace or "default"
        cluster = Cluster.watch(kube, config, (where,))
        await asyncio.gather(*(informer.read() for informer in cluster))
        key = Key(where, name)
        looking = _Looking(kube, cluster, Installed(cluster.runtimes, cluster.cluster_runtimes), config)
        if (service := cluster.services.get(key)) is not None:
            return await looking.at_service(key, service)
        if (graph := cluster.graphs.get(key)) is not None:
            return looking.at_graph(key, graph)
        if (model := cluster.trained_models.get(key)) is not None:
            return steps_of(model.get("status") or {})
        return None
    finally:
        await kube.close()


@dataclass(frozen=True)
class _Looking:
    """What a look needs."""

    kube: Kube
    cluster: Cluster
    installed: Installed
    config: Config

    async def at_service(self, key: Key, service: Object) -> list[Step]:
        live = Applier(self.kube, self.cluster.children).children(service)
        understood = self._understood(service, live)
        pods, _ = await Gatherer(self.kube).gather(self.cluster.pods_of(key))
        look = observe(service, understood, live, pods)
        return explain(service, understood, look, live, pods)

    def at_graph(self, key: Key, graph: Object) -> list[Step]:
        understood = read_graph(graph)
        services: dict[str, Object] = {}
        if understood.graph is not None:
            keys = {name: Key(key.namespace, name) for name in named(understood.graph)}
            found = {name: self.cluster.services.get(key) for name, key in keys.items()}
            services = {name: one for name, one in found.items() if one is not None}
            effective = {name: self._understood(one).effective for name, one in services.items()}
            understood = understand_graph(understood.graph, effective, self.config)
        live = Applier(self.kube, self.cluster.children).children(graph)
        return steps_of(status(graph, understood, live, services))

    def _understood(self, service: Object, live: Sequence[Object] = ()) -> Understood:
        namespace = service["metadata"]["namespace"]
        runtimes, broken = self.installed.for_namespace(namespace)
        around = self.cluster.surroundings_of(namespace)
        return understand(service, runtimes, broken, self.config, around, live)


def steps_of(found: Object) -> list[Step]:
    """Return a step for each condition, and last what it all comes to."""
    conditions = {one["type"]: one for one in found.get("conditions") or ()}
    ready = conditions.pop("Ready", None)
    if ready is None:
        line = "is the controller running, and does it serve this namespace?"
        return [Step("verdict", "fail", "no controller has looked at it", (line,))]
    url = found.get("url") or "its address"
    last = _step("verdict", ready)
    return [
        *(_step(kind, one) for kind, one in conditions.items()),
        replace(last, text=f"ready: {url} answers") if last.state == "ok" else last,
    ]


def _step(title: str, condition: Object) -> Step:
    states: dict[str, State] = {"True": "ok", "False": "fail"}
    said = condition.get("message")
    return Step(
        title,
        states.get(condition["status"], "wait"),
        condition.get("reason") or "ok",
        (said,) if said else (),
    )
