"""One component made whole: what predictor, transformer and explainer have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.api.inferenceservice import ComponentPod, InferenceService
from kserve_lite.api.problems import Problem
from kserve_lite.resolve import defaults, labels
from kserve_lite.resolve.containers import flag_value, merge_pod
from kserve_lite.resolve.effective import Component, Role, Storage
from kserve_lite.resolve.limits import BESIDE, unkept
from kserve_lite.resolve.names import ready_path
from kserve_lite.resolve.platform import Platform, platform
from kserve_lite.resolve.ports import TRANSFORMER, http_port, moved, ports, speaks_grpc
from kserve_lite.resolve.runtime import Choice, Runtime
from kserve_lite.resolve.scaling import decide
from kserve_lite.resolve.servers import server_of


@dataclass(frozen=True)
class Draft:
    """A component as far as its kind decides: the container that answers, the others, the files, the runtime."""

    role: Role
    name: str
    field: str
    container: Mapping[str, Any]
    others: tuple[Mapping[str, Any], ...]
    storage: tuple[Storage, ...]
    protocol: str
    choice: Choice | None = None
    ready: str = ""
    """A path that is asked whether it is ready, instead of the model's own."""
    volumes: tuple[Mapping[str, Any], ...] = ()

    @property
    def runtime(self) -> Runtime | None:
        """The runtime whose pod this is."""
        return self.choice.best if self.choice else None


@dataclass(frozen=True)
class Completed:
    """A component, what stands against it in a cluster, and what was written without effect."""

    component: Component
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...]


def complete(draft: Draft, service: InferenceService, config: Config, *, routed: bool) -> Completed:
    """Return the component with every default; `routed` says that a route from outside leads to it."""
    spec: ComponentPod = getattr(service.spec, draft.role)
    field = f"spec.{draft.role}"
    installed = platform(config, draft.runtime)
    server = server_of(draft.runtime)
    container = moved(dict(draft.container))
    model = flag_value(container, "model_name") or service.name
    probe = draft.ready or server.ready or ready_path(model, draft.protocol)
    port = http_port(container)
    answering = defaults.answering(
        container, handler(container, probe, port), server.live, port, installed.pods
    )
    others = tuple(_beside(other, probe, installed) for other in draft.others)
    decided = decide(spec, field, service.annotations, config.autoscaling, [answering, *others])
    flags = server.flags if draft.role == "predictor" else BESIDE
    component = Component(
        role=draft.role,
        name=draft.name,
        field=draft.field,
        container=answering,
        others=others,
        storage=draft.storage,
        protocol=draft.protocol,
        model=model,
        probe=probe,
        port=port,
        timeout=spec.timeout,
        choice=draft.choice,
        pod=_pod(draft, spec, installed),
        ports=ports(draft.name, container, draft.others),
        labels={
            **(draft.runtime.labels if draft.runtime else {}),
            **labels.passed_on(service.labels, installed.propagation.labels),
            **(spec.labels or {}),
            **labels.own(service.name, draft.role, draft.name),
        },
        annotations={
            **(draft.runtime.annotations if draft.runtime else {}),
            **labels.passed_on(service.annotations, [*labels.PROMETHEUS, *installed.propagation.annotations]),
            **(spec.annotations or {}),
        },
        scaling=decided.scaling,
        strategy=strategy(spec.deployment_strategy or {}),
        platform=installed,
    )
    return Completed(
        component, decided.problems, (*decided.notices, *unkept(spec, field, flags, routed=routed))
    )


def _pod(draft: Draft, spec: ComponentPod, platform: Platform) -> dict[str, Any]:
    base = draft.runtime.pod if draft.runtime else {}
    written = {key: value for key, value in spec.pod.items() if key != "containers"}
    merged = merge_pod(base, written)
    if draft.volumes:
        merged = {**merged, "volumes": [*(merged.get("volumes") or ()), *draft.volumes]}
    return defaults.pod(merged, draft.name, platform.pods)


def handler(container: Mapping[str, Any], path: str, port: int) -> dict[str, Any]:
    """Return how a probe asks a container: the model's path, or the socket where it has gRPC ports only."""
    declared = container.get("ports") or ()
    if declared and all(speaks_grpc(one) for one in declared) and not flag_value(container, "http_port"):
        return {"tcpSocket": {"port": declared[0]["containerPort"]}}
    return defaults.ask(path, port)


def _beside(container: Mapping[str, Any], probe: str, platform: Platform) -> dict[str, Any]:
    """Return a container that runs beside the one that answers; one that stands before it is asked as well."""
    if container.get("name") != TRANSFORMER:
        return defaults.secured(container)
    port = http_port(container)
    return defaults.answering(container, handler(container, probe, port), None, port, platform.pods)


def strategy(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return how pods are replaced: the new one answers before the old one goes, unless the user says otherwise."""
    if own.get("type") == "Recreate":
        return dict(own)
    rolling = own.get("rollingUpdate") or {}
    least = {} if str(rolling.get("maxSurge", "25%")).rstrip("%") == "0" else {"maxUnavailable": 0}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", **least, **rolling}}
