"""What the controller knows of the cluster: one informer a kind, and how their objects belong together."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from kserve_lite.api.config import Config
from kserve_lite.api.storagecontainer import ClusterStorageContainer
from kserve_lite.controller import kinds
from kserve_lite.controller.findings import pod
from kserve_lite.controller.hosts import BY_HOST, host_index
from kserve_lite.controller.runtime.apply import MANAGED_BY, owner_index
from kserve_lite.controller.runtime.informer import Informer, key_of
from kserve_lite.controller.runtime.kube import Key, Kind, Kube, Object
from kserve_lite.resolve.labels import SERVICE
from kserve_lite.resolve.multimodel import config_map, listed_service
from kserve_lite.resolve.surroundings import Surroundings

log = logging.getLogger(__name__)
BY_SERVICE = "service"
BY_NAMESPACE = "namespace"
BY_OWNER = "owner"
BY_LIST = "list"
OURS = "=".join(MANAGED_BY)


@dataclass
class Cluster:
    """The informers, by what they are for. `children` has every kind that `render` may produce under this config."""

    services: Informer
    graphs: Informer
    trained_models: Informer
    runtimes: Informer
    cluster_runtimes: Informer
    service_accounts: Informer
    storage_containers: Informer
    pods: Informer
    children: dict[str, Informer] = field(default_factory=dict)
    _fetchers: tuple[list[str], tuple[ClusterStorageContainer, ...]] = ([], ())

    @classmethod
    def watch(cls, kube: Kube, config: Config, namespaces: tuple[str, ...] = ()) -> Cluster:
        """Make the informers for some namespaces, or all; nothing is read before they run."""
        where = namespaces or ("",)
        return cls(
            services=Informer(
                kube, kinds.INFERENCE_SERVICE, where, indexes={BY_HOST: host_index(config.network)}
            ),
            graphs=Informer(kube, kinds.INFERENCE_GRAPH, where, indexes={BY_SERVICE: _called}),
            trained_models=Informer(
                kube, kinds.TRAINED_MODEL, where, indexes={BY_SERVICE: _parent, BY_NAMESPACE: _namespace}
            ),
            runtimes=Informer(kube, kinds.SERVING_RUNTIME, where, indexes={BY_NAMESPACE: _namespace}),
            cluster_runtimes=Informer(kube, kinds.CLUSTER_SERVING_RUNTIME, optional=True),
            service_accounts=Informer(kube, kinds.SERVICE_ACCOUNT, where, indexes={BY_NAMESPACE: _namespace}),
            storage_containers=Informer(kube, kinds.CLUSTER_STORAGE_CONTAINER, optional=True),
            pods=Informer(
                kube, kinds.POD, where, labels=SERVICE, indexes={BY_SERVICE: _index}, trim=pod.trim
            ),
            children={
                kind.kind: Informer(
                    kube,
                    kind,
                    where,
                    labels=OURS,
                    indexes={BY_OWNER: owner_index, BY_LIST: _list},
                    optional=kind in OPTIONAL,
                    packed=True,
                )
                for kind in child_kinds(config)
            },
        )

    def __iter__(self) -> Iterator[Informer]:
        yield from (self.services, self.graphs, self.trained_models, self.runtimes, self.cluster_runtimes)
        yield from (self.service_accounts, self.storage_containers, self.pods)
        yield from self.children.values()

    def models_of(self, service: Key) -> list[Object]:
        """The TrainedModels that name an InferenceService."""
        return self.trained_models.find(BY_SERVICE, str(service))

    def graphs_with(self, service: Object) -> list[Key]:
        """The InferenceGraphs that call an InferenceService."""
        return self.graphs.keys(BY_SERVICE, str(key_of(service)))

    def has_list(self, service: Key) -> bool:
        """Whether an InferenceService serves by a list of models, be it empty by now."""
        at = Key(service.namespace, config_map(service.name))
        return self.children[kinds.CONFIG_MAP.kind].get(at) is not None

    def pods_of(self, service: Key) -> list[Object]:
        """The pods of all components of an InferenceService."""
        return self.pods.find(BY_SERVICE, str(service))

    def deployments_of(self, service: Object) -> list[Object]:
        """The Deployments of an InferenceService, which say what its pods are made of."""
        return self.children[kinds.DEPLOYMENT.kind].find(BY_OWNER, service["metadata"]["uid"])

    def surroundings_of(self, namespace: str) -> Surroundings:
        """What services of `namespace` may refer to: its ServiceAccounts, the cluster's storage containers."""
        found = self.service_accounts.find(BY_NAMESPACE, namespace)
        accounts = {obj["metadata"]["name"]: obj for obj in found}
        models = self.trained_models.find(BY_NAMESPACE, namespace)
        parents = {obj["spec"]["inferenceService"] for obj in models if _parent(obj)}
        # One whose last TrainedModel is gone still serves by a list, now an empty one.
        parents |= set(map(listed_service, self.children[kinds.CONFIG_MAP.kind].find(BY_LIST, namespace)))
        return Surroundings(accounts, self._readable(), frozenset(parents))

    def _readable(self) -> tuple[ClusterStorageContainer, ...]:
        """The storage containers, read when one changes and not at every look."""
        found = list(self.storage_containers)
        versions = [obj["metadata"]["resourceVersion"] for obj in found]
        if self._fetchers[0] != versions:
            self._fetchers = (versions, tuple(_read(found)))
        return self._fetchers[1]


OPTIONAL = frozenset({kinds.SCALED_OBJECT, kinds.INGRESS, kinds.HTTP_ROUTE, kinds.VIRTUAL_SERVICE})
"""Kinds that a cluster may not know, or that the installation may not be allowed to touch."""

BASE = (
    kinds.CONFIG_MAP,
    kinds.SERVICE,
    kinds.DEPLOYMENT,
    kinds.DISRUPTION_BUDGET,
    kinds.AUTOSCALER,
    kinds.SCALED_OBJECT,
)


def _read(containers: Iterable[Object]) -> Iterator[ClusterStorageContainer]:
    for obj in containers:
        try:
            yield ClusterStorageContainer.model_validate(obj)
        except ValidationError as error:
            log.warning("ClusterStorageContainer %s is left out: %s", obj["metadata"]["name"], error)


def child_kinds(config: Config) -> tuple[Kind, ...]:
    """Return the kinds that are written: a service may choose another network mode than the installation's."""
    return (*BASE, kinds.INGRESS, kinds.HTTP_ROUTE, kinds.VIRTUAL_SERVICE)


def service_of(obj: Object) -> list[Key]:
    """Return the InferenceService whose label an object carries."""
    name = (obj["metadata"].get("labels") or {}).get(SERVICE)
    return [Key(obj["metadata"]["namespace"], name)] if name else []


def _namespace(obj: Object) -> list[str]:
    return [obj["metadata"]["namespace"]]


def _list(obj: Object) -> list[str]:
    """The namespace of a service's list of models; every other child has none in this index."""
    return _namespace(obj) if obj["kind"] == kinds.CONFIG_MAP.kind and listed_service(obj) else []


def _parent(obj: Object) -> list[str]:
    name = (obj.get("spec") or {}).get("inferenceService")
    return [str(Key(obj["metadata"]["namespace"], name))] if name else []


def _called(graph: Object) -> list[str]:
    """The services that the steps of a graph name, whatever an older CRD let through beside them."""
    nodes = _dict(_dict(graph.get("spec")).get("nodes"))
    steps = [step for node in nodes.values() for step in _dict(node).get("steps") or ()]
    names = {name for step in steps if (name := _dict(step).get("serviceName"))}
    return [str(Key(graph["metadata"]["namespace"], name)) for name in names]


def _dict(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


def _index(obj: Object) -> list[str]:
    return [str(key) for key in service_of(obj)]
