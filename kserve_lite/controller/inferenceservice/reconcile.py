"""One InferenceService made true: understand, apply, observe, report. Level-triggered: it hears no event, reads all."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kserve_lite.api.config import Config
from kserve_lite.controller.cluster import Cluster
from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.findings.route import ROUTES
from kserve_lite.controller.gather import Gatherer
from kserve_lite.controller.hosts import taken
from kserve_lite.controller.inferenceservice.events import events
from kserve_lite.controller.inferenceservice.look import Look
from kserve_lite.controller.inferenceservice.observe import changed, observe
from kserve_lite.controller.inferenceservice.remembered import Remembered
from kserve_lite.controller.inferenceservice.stages import Stages
from kserve_lite.controller.inferenceservice.status import status
from kserve_lite.controller.inferenceservice.understand import Understood
from kserve_lite.controller.installed import Installed
from kserve_lite.controller.runtime.apply import Applied, Applier
from kserve_lite.controller.runtime.controller import Requeue, Retry
from kserve_lite.controller.runtime.events import Recorder
from kserve_lite.controller.runtime.informer import key_of
from kserve_lite.controller.runtime.kube import ApiError, Key, Kube, Object
from kserve_lite.controller.runtime.status import write_status
from kserve_lite.controller.trainedmodel.status import trained_model
from kserve_lite.render.multimodel import model_config

log = logging.getLogger(__name__)


@dataclass
class InferenceServices:
    """Reconciles InferenceServices; everything but `apply`, `gather` and `report` is pure."""

    kube: Kube
    cluster: Cluster
    applier: Applier
    gatherer: Gatherer
    recorder: Recorder
    installed: Installed
    config: Config
    stages: Stages

    def __post_init__(self) -> None:
        self._pinning = Remembered(self.config.model_copy(update={"runtime_changes": "pin"}))
        self._following = Remembered(self.config)

    async def reconcile(self, key: Key) -> Requeue | Retry | None:
        """Bring the cluster to what the service says, and its status to what the cluster is."""
        service = self.cluster.services.get(key)
        if service is None or "deletionTimestamp" in service["metadata"]:
            self.stages.withdraw(key)
            self.stages.leave(key)
            return None  # children go with their owner
        understood = self._unless_taken(service, self._understood(service))
        pods, again = await self.gatherer.gather(self.cluster.pods_of(key))
        if _is_new(service):
            await self._report(service, changed(service, understood, self.applier.children(service), pods))
        applied = await self._apply(service, understood)
        look = observe(service, understood, applied.live, pods, applied.refused)
        await self._report(service, look)
        if look.stopped or all(rollout.ready for rollout in look.rollouts.values()):
            self.stages.leave(key)
        if applied.refused:
            return Retry()
        return None if again is None else Requeue(after=again)

    def _understood(self, service: Object) -> Understood:
        """What the service comes to, from the pins of its pods unless it is its turn to take what is new."""
        key = key_of(service)
        runtimes, broken = self.installed.for_namespace(key.namespace)
        surroundings = self.cluster.surroundings_of(key.namespace)
        live = self.cluster.deployments_of(service)
        kept = self._pinning.understand(service, runtimes, broken, surroundings, live)
        if self.config.runtime_changes == "pin" or kept.effective is None:
            return kept
        newest = self._following.understand(service, runtimes, broken, surroundings, live)
        if newest.effective is not None and _pods(newest) == _pods(kept):
            self.stages.withdraw(key)
            return newest
        return newest if newest.effective is not None and self.stages.enter(key) else kept

    def _unless_taken(self, service: Object, understood: Understood) -> Understood:
        """A service whose host belongs to an older one gets everything but a route."""
        effective = understood.effective
        if effective is None or not effective.routes.table:
            return understood
        message = taken(self.cluster.services, service, effective)
        if message is None:
            return understood
        children = tuple(child for child in understood.children if child["kind"] not in ROUTES)
        finding = Finding("HostTaken", "metadata.name", message)
        return replace(understood, children=children, obstacles=(finding,))

    async def _apply(self, service: Object, understood: Understood) -> Applied:
        """Write the children; a service that is not understood keeps those that it has."""
        if understood.effective is None:
            return Applied(live=self.applier.children(service))
        own = bool(understood.effective.predictor.storage)
        applied = await self.applier.apply(service, [*self._lists(service, own=own), *understood.children])
        if applied.written or applied.deleted:
            log.info("%s: wrote %s, deleted %s", _name(service), applied.written, applied.deleted)
        return applied

    def _lists(self, service: Object, *, own: bool) -> Iterator[Object]:
        """Yield the list of the TrainedModels that name this service; an empty one after the last is gone.

        A service with a model of its `own` has no use for an empty one.
        """
        name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
        found = self.cluster.models_of(Key(namespace, name))
        if found or (not own and self.cluster.has_list(Key(namespace, name))):
            yield model_config(name, namespace, filter(None, map(trained_model, found)))

    async def _report(self, service: Object, look: Look) -> None:
        """Write the status of what was looked at: the object may have changed since, its status only by us."""
        now = self.cluster.services.get(key_of(service))
        if now is None or now["metadata"]["uid"] != service["metadata"]["uid"]:
            return
        before = now.get("status") or {}
        after = status({**service, "status": before}, look)
        try:
            if not await write_status(self.kube, self.cluster.services, now, after):
                return
        except ApiError as error:
            if error.code == 404:  # deleted meanwhile
                return
            raise
        for said in events(before, after, look):
            await self.recorder.event(service, said.kind, said.reason, "Reconcile", said.note)


def _pods(understood: Understood) -> list[Object]:
    return [one["spec"]["template"] for one in understood.children if one["kind"] == "Deployment"]


def _is_new(service: Object) -> bool:
    return bool((service.get("status") or {}).get("observedGeneration") != service["metadata"]["generation"])


def _name(obj: Object) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"
