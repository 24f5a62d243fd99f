"""The controller's process, wired: informers, reconciles, election, health."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from kserve_lite.api.config import Config
from kserve_lite.controller.cluster import Cluster, service_of
from kserve_lite.controller.gather import Gatherer
from kserve_lite.controller.hosts import host_index, rivals
from kserve_lite.controller.inferencegraph.reconcile import InferenceGraphs
from kserve_lite.controller.inferenceservice.reconcile import InferenceServices
from kserve_lite.controller.inferenceservice.stages import Stages
from kserve_lite.controller.installed import Installed
from kserve_lite.controller.runtime.apply import Applier
from kserve_lite.controller.runtime.controller import Controller
from kserve_lite.controller.runtime.events import Recorder
from kserve_lite.controller.runtime.informer import Informer
from kserve_lite.controller.runtime.kube import Key, Kube, Object
from kserve_lite.controller.runtime.leader import Election
from kserve_lite.controller.runtime.manager import Manager
from kserve_lite.controller.runtime.metrics import Metrics
from kserve_lite.controller.servingruntime.reconcile import Runtimes
from kserve_lite.controller.trainedmodel.reconcile import TrainedModels

NAME = "kserve-lite"


@dataclass(frozen=True)
class Options:
    """How the process is started. No namespaces means all; no lease means that it is known to be alone."""

    config: Config
    namespaces: tuple[str, ...] = ()
    host: str = "0.0.0.0"
    port: int = 8080
    lease_seconds: float | None = 15.0
    kubeconfig: Path | None = None
    context: str | None = None


def manager(options: Options) -> Manager:
    """Return the process, ready to run. Raises `ApiError` where no cluster is configured."""
    kube = Kube.connect(options.kubeconfig, options.context)
    metrics = Metrics()
    cluster = Cluster.watch(kube, options.config, options.namespaces)
    recorder = Recorder(kube, NAME, identity())
    installed = Installed(cluster.runtimes, cluster.cluster_runtimes)
    return Manager(
        kube=kube,
        metrics=metrics,
        informers=list(cluster),
        controllers=[
            inference_services(kube, cluster, installed, recorder, metrics, options.config),
            inference_graphs(kube, cluster, installed, recorder, metrics, options.config),
            trained_models(kube, cluster, installed, metrics, options.config),
            serving_runtimes("servingruntime", cluster.runtimes, installed, recorder, metrics),
            serving_runtimes("clusterservingruntime", cluster.cluster_runtimes, installed, recorder, metrics),
        ],
        election=_election(kube, options),
        host=options.host,
        port=options.port,
    )


def inference_services(
    kube: Kube, cluster: Cluster, installed: Installed, recorder: Recorder, metrics: Metrics, config: Config
) -> Controller:
    """Return the controller of InferenceServices: what it looks at, and when."""
    services = InferenceServices(
        kube=kube,
        cluster=cluster,
        applier=Applier(kube, cluster.children),
        gatherer=Gatherer(kube),
        recorder=recorder,
        installed=installed,
        config=config,
        stages=Stages(config.runtime_changes_at_once, cluster.services),
    )
    controller = Controller("inferenceservice", services.reconcile, metrics)
    services.stages.wake = controller.queue.add
    controller.own(cluster.services)
    index = host_index(config.network)
    controller.relate(cluster.services, lambda obj: rivals(cluster.services, obj, index))
    for informer in cluster.children.values():
        controller.follow(informer, cluster.services)
    controller.relate(cluster.runtimes, lambda obj: _services(cluster, obj["metadata"]["namespace"]))
    controller.relate(cluster.cluster_runtimes, lambda _: _services(cluster, ""))
    controller.relate(cluster.service_accounts, lambda obj: _services(cluster, obj["metadata"]["namespace"]))
    controller.relate(cluster.storage_containers, lambda _: _services(cluster, ""))
    controller.relate(
        cluster.trained_models,
        lambda obj: [Key(obj["metadata"]["namespace"], obj["spec"]["inferenceService"])],
    )
    cluster.pods.listen(lambda before, after: _of_pod(controller, cluster, before, after))
    return controller


def inference_graphs(
    kube: Kube, cluster: Cluster, installed: Installed, recorder: Recorder, metrics: Metrics, config: Config
) -> Controller:
    """Return the controller of InferenceGraphs: a change of a service is looked at by the graphs that call it."""
    graphs = InferenceGraphs(kube, cluster, Applier(kube, cluster.children), recorder, installed, config)
    controller = Controller("inferencegraph", graphs.reconcile, metrics, workers=4)
    controller.own(cluster.graphs)
    for informer in cluster.children.values():
        controller.follow(informer, cluster.graphs)
    # A graph is ready when its services are.
    controller.relate(cluster.services, cluster.graphs_with, status=True)
    return controller


def trained_models(
    kube: Kube, cluster: Cluster, installed: Installed, metrics: Metrics, config: Config
) -> Controller:
    """Return the controller of TrainedModels."""
    models = TrainedModels(kube, cluster, installed, config)
    controller = Controller("trainedmodel", models.reconcile, metrics, workers=4)
    controller.own(cluster.trained_models)
    controller.relate(
        cluster.services,
        lambda obj: [
            Key(one["metadata"]["namespace"], one["metadata"]["name"])
            for one in cluster.models_of(Key(obj["metadata"]["namespace"], obj["metadata"]["name"]))
        ],
        status=True,
    )
    return controller


def serving_runtimes(
    name: str, informer: Informer, installed: Installed, recorder: Recorder, metrics: Metrics
) -> Controller:
    """Return the controller of one kind of runtime."""
    controller = Controller(name, Runtimes(informer, installed, recorder).reconcile, metrics, workers=1)
    controller.own(informer)
    return controller


def identity() -> str:
    """Return who this process is: unique, and readable in the Lease."""
    return f"{os.environ.get('POD_NAME') or socket.gethostname()}_{uuid4().hex[:8]}"


def _services(cluster: Cluster, namespace: str) -> list[Key]:
    keys = (Key(obj["metadata"]["namespace"], obj["metadata"]["name"]) for obj in cluster.services)
    return [key for key in keys if namespace in ("", key.namespace)]


def _of_pod(controller: Controller, cluster: Cluster, before: Object | None, after: Object | None) -> None:
    if before is not None and after is not None and before["status"] == after["status"]:
        return
    for key in {key for obj in (before, after) if obj is not None for key in service_of(obj)}:
        if key in cluster.services:  # the pods of one that is gone are no news
            controller.queue.add(key)


def _election(kube: Kube, options: Options) -> Election | None:
    if options.lease_seconds is None:
        return None
    home = os.environ.get("POD_NAMESPACE") or kube.namespace or "default"
    duration = options.lease_seconds
    return Election(
        kube, Key(home, NAME), identity(), duration=duration, deadline=duration * 2 / 3, retry=duration / 7.5
    )
