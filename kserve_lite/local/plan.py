"""What the pods of a service would do, mapped to processes of this machine. Pure but for looking for commands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kserve_lite.api.problems import Problem
from kserve_lite.local.models import Models
from kserve_lite.local.part import Part, protocol_of
from kserve_lite.local.program import is_server, program
from kserve_lite.local.route import Route
from kserve_lite.local.volumes import Texts, volumes
from kserve_lite.resolve.effective import Component, Effective, Role
from kserve_lite.resolve.names import inside_hosts, ready_path
from kserve_lite.resolve.ports import TRANSFORMER


@dataclass(frozen=True)
class Plan:
    """How one InferenceService runs here; two equal plans need no restart. The predictor is the first part."""

    route: Route
    timeout: int | None
    runtime: str
    parts: tuple[Part, ...]
    models: Models | None = None

    @property
    def key(self) -> str:
        """`namespace/name` of the service."""
        return self.route.key

    @property
    def entry(self) -> Role:
        """The component that gets the requests."""
        return "transformer" if any(part.role == "transformer" for part in self.parts) else "predictor"

    def watched(self) -> list[Path]:
        """Return the files and folders of this machine that the service is made from."""
        return [path for part in self.parts for path in part.watched()]

    def followed(self) -> list[Path]:
        """Return the folders of its TrainedModels: a change there is told to the server that runs."""
        return list(self.models.folders) if self.models else []

    def serving(self, models: Models) -> "Plan":
        """Return this plan with TrainedModels."""
        return replace(self, models=models, route=replace(self.route, models=models.names))

    def processes(self) -> "Plan":
        """Return what the processes are made of: the same for any list of TrainedModels."""
        return replace(self, models=None, route=replace(self.route, models=()))


def plan(
    service: Effective,
    folder: Path,
    mounts: Mapping[str, Path],
    outside: Mapping[str, str],
    texts: Texts | None = None,
) -> Plan | list[Problem]:
    """Map a service to this machine, or say everything that stands against it.

    Relative paths start at `folder`, where the YAML file lies; `mounts` gives the folder of each claim, ConfigMap or
    volume; `outside` are this machine's variables, which stand in for those that a pod would read from Secrets and
    ConfigMaps; `texts` are the ConfigMaps of the manifests.
    """
    problems: list[Problem] = []
    parts = []
    for component, role, container in _containers(service, problems):
        where = _Where(service, folder, mounts, outside, texts or {})
        made = _part(component, role, container, where)
        if isinstance(made, list):
            problems += made
        else:
            parts.append(made)
    if problems:
        return problems
    predictor = service.predictor
    return Plan(
        route=Route(service.key, predictor.model, service.hosts),
        timeout=service.entry.timeout or predictor.timeout,
        runtime=_runtime(predictor),
        parts=tuple(parts),
    )


@dataclass(frozen=True)
class _Where:
    service: Effective
    folder: Path
    mounts: Mapping[str, Path]
    outside: Mapping[str, str]
    texts: Texts


def _containers(
    service: Effective, problems: list[Problem]
) -> Iterable[tuple[Component, Role, Mapping[str, Any]]]:
    """Yield what runs, the predictor first; a `transformer-container` beside it is a transformer like any other."""
    yield service.predictor, "predictor", service.predictor.container
    for component in (service.transformer, service.explainer):
        if component is not None:
            yield component, component.role, component.container
    for component in service.components:
        for other in component.others:
            if other.get("name") == TRANSFORMER and component.role == "predictor" and not service.transformer:
                yield component, "transformer", other
                continue
            message = f"a laptop runs no containers beside the one that answers: {other.get('name')}"
            remedy = "take it out of the file for local work; on a cluster it runs"
            problems.append(Problem("component_not_local", component.field, message, remedy))


def _part(
    component: Component, role: Role, container: Mapping[str, Any], where: _Where
) -> Part | list[Problem]:
    problems: list[Problem] = []
    command = program(container, component.field, _runtime(component), where.folder)
    if isinstance(command, Problem):
        problems.append(command)
    namespace = where.service.namespace
    found = volumes(component, container, namespace, where.folder, where.mounts, where.texts)
    env, unknown = _environment(component.field, container, where.outside)
    problems += [*found.problems, *unknown]
    if isinstance(command, Problem) or problems:
        return problems
    args = tuple(str(arg) for arg in container.get("args") or ())
    return Part(
        role=role,
        field=component.field,
        names=(*inside_hosts(component.name, namespace), f"{component.name}-{namespace}"),
        probe=_probe(component, role, args),
        program=command,
        server=is_server(command),
        args=args,
        env=tuple(env),
        fetches=tuple(found.fetches),
        mounts=tuple(found.mounts),
        files=tuple(found.files),
        folder=None if is_server(command) else where.folder,
    )


def _probe(component: Component, role: Role, args: Iterable[str]) -> str:
    """The path that says whether it answers: a transformer beside the predictor has the predictor's pod's."""
    if role == component.role:
        return component.probe
    return ready_path(component.model, protocol_of(args))


def _runtime(component: Component) -> str:
    return component.choice.best.name if component.choice and component.choice.best else ""


def _environment(
    field: str, container: Mapping[str, Any], outside: Mapping[str, str]
) -> tuple[list[tuple[str, str]], list[Problem]]:
    env: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for i, variable in enumerate(container.get("env") or ()):
        name: str = variable["name"]
        if "valueFrom" not in variable:
            env.append((name, str(variable.get("value") or "")))
        elif name in outside:
            env.append((name, outside[name]))
        else:
            (source,) = variable["valueFrom"]
            message = f"{name} comes from a {source}, which only a cluster has"
            remedy = f"set it for this machine: {name}=… kserve-lite serve …"
            problems.append(Problem("variable_not_local", f"{field}.env[{i}].valueFrom", message, remedy))
    return env, problems
