"""What applying InferenceServices to a live cluster would do, by the controller's own code. Only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.controller.cluster import Cluster
from kserve_lite.controller.difference import Change, difference
from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.inferenceservice.understand import understand
from kserve_lite.controller.installed import Installed
from kserve_lite.controller.runtime.apply import Applier
from kserve_lite.controller.runtime.kube import Key, Kube

Object = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """What becomes of one service: refused with findings, or its children with what changes of them."""

    key: Key
    new: bool
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


async def plan(
    services: Sequence[Object], config: Config, kubeconfig: Path | None, context: str | None
) -> list[Planned]:
    """Return what applying the services would do. Raises `ApiError` when the cluster cannot be read."""
    kube = Kube.connect(kubeconfig, context)
    try:
        where = tuple(sorted({one["metadata"]["namespace"] for one in services}))
        cluster = Cluster.watch(kube, config, where)
        await asyncio.gather(*(informer.read() for informer in cluster))
        installed = Installed(cluster.runtimes, cluster.cluster_runtimes)
        applier = Applier(kube, cluster.children)
        return [_planned(one, cluster, installed, applier, config) for one in services]
    finally:
        await kube.close()


def _planned(
    wanted: Object, cluster: Cluster, installed: Installed, applier: Applier, config: Config
) -> Planned:
    key = Key(wanted["metadata"]["namespace"], wanted["metadata"]["name"])
    before = cluster.services.get(key)
    live = applier.children(before) if before else []
    understood = understand(
        wanted,
        *installed.for_namespace(key.namespace),
        config,
        cluster.surroundings_of(key.namespace),
        live,
    )
    if understood.effective is None:
        return Planned(key, before is None, (), understood.obstacles, ())
    changes = difference(understood.children, live, before)
    waiting = [
        f"{one.name} keeps the runtime and settings of its pods; {one.newer} waits for the next change"
        for one in understood.effective.components
        if one.newer
    ]
    notes = (*map(str, understood.effective.notices), *waiting)
    return Planned(key, before is None, tuple(changes), (), notes)
