"""What the files of the user ask for, read anew whenever they change."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kserve_lite.api.config import Config, Network
from kserve_lite.api.inferencegraph import InferenceGraph
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import Manifest, read
from kserve_lite.api.problems import Place, Problem
from kserve_lite.api.trainedmodel import TrainedModel
from kserve_lite.local.graph import GraphPlan, graph_plan
from kserve_lite.local.models import Declared, by_parent, models_of, waiting
from kserve_lite.local.plan import Plan, plan
from kserve_lite.local.unused import unused
from kserve_lite.local.volumes import Texts
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.graph import resolve_graph
from kserve_lite.resolve.multimodel import config_map
from kserve_lite.resolve.service import resolve
from kserve_lite.resolve.surroundings import Surroundings

_LONGEST_SAMPLE = 2000


@dataclass
class Desired:
    """The services to run by `namespace/name`; empty of plans as soon as there is a problem with any file."""

    plans: dict[str, Plan] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    samples: dict[str, str] = field(default_factory=dict)
    """A request body that fits the model, where one lies beside the YAML file."""
    unused: dict[str, list[str]] = field(default_factory=dict)
    """Fields that are right and have no effect on one machine."""
    resolved: list[Effective] = field(default_factory=list)
    graphs: dict[str, GraphPlan] = field(default_factory=dict)
    waiting: dict[str, Problem] = field(default_factory=dict)
    """TrainedModels that no service takes, and why."""

    @property
    def all_plans(self) -> dict[str, Plan | GraphPlan]:
        """Everything that is to run; graphs last, under a key of their own, since names may be the same."""
        return {**self.plans, **{f"graph {key}": plan for key, plan in self.graphs.items()}}


def desired(
    paths: Sequence[Path],
    mounts: Mapping[str, Path],
    domain: str,
    gateway: str = "http://127.0.0.1:8080",
    parents: Iterable[str] = (),
) -> Desired:
    """Read the files and resolve every InferenceService and InferenceGraph in them.

    `parents` are the services that serve TrainedModels already: they go on without any, as they do in a cluster.
    """
    found = read(paths)
    result = Desired(problems=list(found.problems))
    services = [(m, m.resource) for m in found.objects if isinstance(m.resource, InferenceService)]
    graphs = [(m, m.resource) for m in found.objects if isinstance(m.resource, InferenceGraph)]
    if not services and not graphs and not result.problems:
        where = Place(str(paths[0]))
        message = "there is no InferenceService to serve"
        result.problems.append(
            Problem("nothing_to_serve", "", message, "name a file or folder with an InferenceService", where)
        )
    declared = by_parent((m, m.resource) for m in found.objects if isinstance(m.resource, TrainedModel))
    families: dict[str, Sequence[Declared]] = {**dict.fromkeys(parents, ()), **declared}
    for manifest, service in services:
        _add(
            result,
            manifest,
            service,
            mounts,
            domain,
            found.texts,
            families.get(f"{service.namespace}/{service.name}"),
            alone=_alone(manifest, [m for m, _ in services]),
        )
    result.waiting = waiting(families, {service.key: service for service in result.resolved})
    for manifest, graph in graphs:
        _add_graph(result, manifest, graph, domain, gateway)
    if result.problems:
        result.plans.clear()
        result.graphs.clear()
        result.waiting.clear()
    return result


def _add_graph(result: Desired, manifest: Manifest, graph: InferenceGraph, domain: str, gateway: str) -> None:
    services = {service.name: service for service in result.resolved if service.namespace == graph.namespace}
    config = Config(network=Network(domain=domain))
    effective = resolve_graph(graph, services, config, gateway=gateway)
    if isinstance(effective, list):
        result.problems += [manifest.located(problem) for problem in effective]
        return
    result.graphs[effective.key] = graph_plan(effective)
    if sample := _sample(_folder(manifest), graph.name, alone=False):
        result.samples[f"graph {effective.key}"] = sample


def _add(
    result: Desired,
    manifest: Manifest,
    service: InferenceService,
    mounts: Mapping[str, Path],
    domain: str,
    texts: Texts,
    models: Sequence[Declared] | None,
    *,
    alone: bool,
) -> None:
    folder = _folder(manifest)
    config = Config(network=Network(domain=domain))
    parents = Surroundings(parents=frozenset([service.name] if models is not None else []))
    effective = resolve(service, config=config, plain_paths=True, surroundings=parents)
    if models is not None:  # its list is a file of its own: it changes while the server runs
        texts = {**texts, (service.namespace, config_map(service.name)): {}}
    planned = effective if isinstance(effective, list) else plan(effective, folder, mounts, os.environ, texts)
    if isinstance(planned, list):
        result.problems += [manifest.located(problem) for problem in planned]
        return
    if models is not None and isinstance(effective, Effective) and not effective.predictor.storage:
        planned = planned.serving(models_of(models, _folder))
    if isinstance(effective, Effective):
        result.resolved.append(effective)
    result.plans[planned.key] = planned
    result.unused[planned.key] = unused(service)
    if sample := _sample(folder, service.name, alone=alone):
        result.samples[planned.key] = sample


def _folder(manifest: Manifest) -> Path:
    """Return where relative paths of a manifest start: its own folder, or here for standard input."""
    file = manifest.source.place("").file
    return Path.cwd() if file == "-" else Path(file).absolute().parent


def _alone(manifest: Manifest, all_of_them: Sequence[Manifest]) -> bool:
    return sum(_folder(other) == _folder(manifest) for other in all_of_them) == 1


def _sample(folder: Path, name: str, *, alone: bool) -> str | None:
    """Read `{name}.request.json`, or `request.json` in a folder of one service: a body to try it with."""
    for file in [folder / f"{name}.request.json", *([folder / "request.json"] if alone else [])]:
        if file.is_file() and file.stat().st_size <= _LONGEST_SAMPLE:
            return file.read_text(encoding="utf-8").strip()
    return None
