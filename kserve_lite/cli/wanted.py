"""What files ask a cluster for: their InferenceServices, the runtimes to choose from, and the settings."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from kserve_lite.api.config import Config
from kserve_lite.api.definition import Resource
from kserve_lite.api.inferencegraph import InferenceGraph
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import Manifest, Manifests, read
from kserve_lite.api.problems import Place, Problem
from kserve_lite.api.servingruntime import ClusterServingRuntime, ServingRuntime
from kserve_lite.api.storagecontainer import ClusterStorageContainer
from kserve_lite.api.trainedmodel import TrainedModel
from kserve_lite.cli.settings import settings
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.installed import visible
from kserve_lite.resolve.runtime import Runtime
from kserve_lite.resolve.surroundings import Surroundings

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True)
class Service:
    """One InferenceService and where it was written."""

    written: InferenceService
    manifest: Manifest


@dataclass(frozen=True)
class Graph:
    """One InferenceGraph and where it was written."""

    written: InferenceGraph
    manifest: Manifest


@dataclass
class Wanted:
    """What the files say; `problems` are those of files, settings and runtimes."""

    services: list[Service]
    objects: list[ServingRuntime | ClusterServingRuntime]
    config: Config
    problems: list[Problem]
    around: dict[str, Surroundings] = field(default_factory=dict)
    """By namespace: the ServiceAccounts, storage containers and TrainedModels that the files hold."""
    graphs: list[Graph] = field(default_factory=list)
    models: list[TrainedModel] = field(default_factory=list)

    def models_of(self, service: InferenceService) -> list[TrainedModel]:
        """Return the TrainedModels that name a service."""
        return [
            one
            for one in self.models
            if (one.namespace, one.spec.inference_service) == (service.namespace, service.name)
        ]

    def runtimes(self, namespace: str) -> tuple[Runtime, ...]:
        """Return what services of a namespace may choose from: what the files hold, else the built-in ones."""
        return visible(namespace, self.objects) if self.objects else BUILT_IN


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that say what is wanted."""
    parser.add_argument("--runtimes", action="append", default=[], type=Path, metavar="FILE",
                        help="ServingRuntimes to choose from; repeat for more (default: the built-in)")  # fmt: skip
    parser.add_argument("--config", type=Path, metavar="FILE",
                        help="settings of the controller (default: all defaults)")  # fmt: skip
    parser.add_argument("--namespace", default="default", metavar="NS",
                        help="namespace of objects that name none (default: default)")  # fmt: skip


def wanted(found: Manifests, args: argparse.Namespace) -> Wanted:
    """Return what files that were read, and the arguments, ask for."""
    problems = list(found.problems)
    config = settings(args.config, problems)
    runtimes = read(args.runtimes) if args.runtimes else Manifests()
    problems += runtimes.problems
    listed = [*found.resources, *runtimes.resources]
    services = [
        Service(placed(one.resource, args.namespace), one)
        for one in found.objects
        if isinstance(one.resource, InferenceService)
    ]
    return Wanted(
        services=services,
        objects=[one for one in listed if isinstance(one, ServingRuntime | ClusterServingRuntime)],
        config=config,
        problems=problems,
        around={
            one.written.namespace: surroundings(one.written.namespace, listed, found.accounts, args.namespace)
            for one in services
        },
        graphs=[
            Graph(placed(one.resource, args.namespace), one)
            for one in found.objects
            if isinstance(one.resource, InferenceGraph)
        ],
        models=[placed(one, args.namespace) for one in found.of(TrainedModel)],
    )


def surroundings(
    namespace: str, objects: list[Resource], accounts: list[dict[str, Any]], unnamed: str
) -> Surroundings:
    """Return what services of a namespace find beside them; objects that name none are in `unnamed`."""
    return Surroundings(
        {
            one["metadata"]["name"]: one
            for one in accounts
            if (one["metadata"].get("namespace") or unnamed) == namespace
        },
        tuple(one for one in objects if isinstance(one, ClusterStorageContainer)),
        frozenset(
            one.spec.inference_service
            for one in objects
            if isinstance(one, TrainedModel) and one.metadata.get("namespace", unnamed) == namespace
        ),
    )


def placed(resource: R, namespace: str) -> R:
    """Return the object in the namespace that it names, or else in this one."""
    head: Mapping[str, object] = {"namespace": namespace, **resource.metadata}
    return resource.model_copy(update={"metadata": dict(head)})


def nothing(file: object) -> Problem:
    """Say that the files hold no service."""
    where = Place(str(file))
    return Problem(
        "nothing_to_render",
        "",
        "there is no InferenceService or InferenceGraph",
        "name a file that holds one",
        where,
    )


def located(service: Service | Graph, problems: list[Problem]) -> list[Problem]:
    """Return problems with their lines in the file."""
    return [service.manifest.located(problem) for problem in problems]
