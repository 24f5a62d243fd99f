"""From an InferenceService to what it comes to: runtime, containers, storage, names. Never touches its input."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.api.inferenceservice import ComponentPod, Explainer, InferenceService, Transformer
from kserve_lite.api.problems import Problem
from kserve_lite.resolve import explainer, storage
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.component import Draft, complete
from kserve_lite.resolve.containers import Meta, all_filled_in, env_value, flag_value, merge, with_env
from kserve_lite.resolve.credentials import credentials
from kserve_lite.resolve.effective import Component, Effective, Role
from kserve_lite.resolve.names import all_hosts, component_name, outside_host
from kserve_lite.resolve.platform import Platform
from kserve_lite.resolve.ports import HTTP_PORT
from kserve_lite.resolve.predictor import own_files, predictor
from kserve_lite.resolve.runtime import Runtime
from kserve_lite.resolve.scaling import scaling
from kserve_lite.resolve.storage import Reach
from kserve_lite.resolve.surroundings import Surroundings

DEFAULTS = Config()
NOTHING = Surroundings()
STOP = "serving.kserve.io/stop"


def resolve(
    service: InferenceService,
    runtimes: Sequence[Runtime] = BUILT_IN,
    config: Config = DEFAULTS,
    *,
    plain_paths: bool = False,
    surroundings: Surroundings = NOTHING,
) -> Effective | list[Problem]:
    """Return the effective service, or every reason why there is none.

    `plain_paths` accepts a storageUri without a scheme, and does not ask who scales: right on a laptop, wrong in a
    cluster.
    """
    reach = Reach(
        config.storage,
        surroundings.storage_containers,
        tuple(service.annotations.items()),
        service.spec.predictor.storage_container_name,
        plain_paths,
    )
    serving, problems = predictor(service, runtimes, reach)
    if serving is None:
        return problems
    found: dict[Role, tuple[Draft, ComponentPod]] = {"predictor": (serving, service.spec.predictor)}
    beside: tuple[tuple[Role, Transformer | Explainer | None], ...] = (
        ("transformer", service.spec.transformer),
        ("explainer", service.spec.explainer),
    )
    for role, spec in beside:
        if spec is not None:
            draft, wrong = _beside(service, spec, role, serving, replace(reach, container_name=None))
            problems += wrong
            if draft is not None:
                found[role] = (draft, spec)
    platform = Platform(config.pods, config.storage, config.propagation)
    done: dict[Role, Component] = {}
    for role, (draft, written) in found.items():
        scaled, wrong = scaling(written, f"spec.{role}", service.annotations, config.autoscaling)
        problems += wrong if not plain_paths else ()
        done[role], wrong = _trusted(
            complete(draft, service, written, scaled, platform), service, surroundings
        )
        problems += wrong
    if problems:
        return problems
    names = tuple(component.name for component in done.values())
    domain = config.network.domain
    return Effective(
        name=service.name,
        namespace=service.namespace,
        labels=service.labels,
        annotations=service.annotations,
        url=f"http://{outside_host(service.name, service.namespace, domain)}",
        hosts=all_hosts(service.name, service.namespace, names, domain),
        predictor=done["predictor"],
        transformer=done.get("transformer"),
        explainer=done.get("explainer"),
        stopped=service.annotations.get(STOP, "").lower() == "true",
    )


def _trusted(
    component: Component, service: InferenceService, surroundings: Surroundings
) -> tuple[Component, list[Problem]]:
    """Return the component with the credentials that its downloads may use."""
    downloads = [step for step in component.storage if step.mode == "download"]
    if not downloads:
        return component, []
    given, problems = credentials(
        service.annotations,
        surroundings.account(component.pod),
        component.pod,
        by_store=any(step.store for step in downloads),
    )
    return replace(component, credentials=given, labels={**component.labels, **dict(given.labels)}), problems


def _beside(
    service: InferenceService,
    spec: Transformer | Explainer,
    role: Role,
    serving: Draft,
    reach: Reach,
) -> tuple[Draft | None, list[Problem]]:
    """Return a transformer or explainer of the user's own containers; the first one answers."""
    field = f"spec.{role}"
    if isinstance(spec, Explainer):
        containers, at_first = explainer.containers(spec, serving)
    else:
        containers, at_first = spec.pod.get("containers") or [], "containers[0]"
    if not containers:
        return None, [
            Problem("implementation_missing", field, f"the {role} has no container", "add containers")
        ]
    meta = Meta(service.name, service.namespace, service.labels, service.annotations)
    at = [f"{field}.{at_first}", *(f"{field}.containers[{i}]" for i in range(1, len(containers)))]
    steps, problems = own_files(spec, containers[0], at[0], field, reach)
    if isinstance(spec, Explainer) and spec.art is not None:
        more, wrong = storage.steps(spec.art.as_yaml(), [], at[0], field, reach)
        steps, problems = (*steps, *more), [*problems, *wrong]
    wired = _wired(service, containers[0], serving)
    if env_value(wired, "STORAGE_URI"):
        wired = merge(wired, {"env": [{"name": "STORAGE_URI", "value": steps[0].mount_path}]})
    (container, *others), wrong = all_filled_in(
        [(wired, at[0]), *zip(containers[1:], at[1:], strict=True)], meta
    )
    return Draft(
        role=role,
        name=component_name(service.name, role),
        field=field,
        container=container,
        others=tuple(others),
        storage=steps,
        # The built-in explainers answer over V1, whatever the predictor speaks.
        protocol="v1" if at_first in ("type", "art") else serving.protocol,
    ), [*problems, *wrong]


def _wired(service: InferenceService, container: dict[str, Any], serving: Draft) -> dict[str, Any]:
    """Add the arguments by which a component finds the predictor, unless the user gave them."""
    wiring = {
        "model_name": service.name,
        "predictor_host": f"{serving.name}.{service.namespace}",
        "http_port": str(HTTP_PORT),
    }
    missing = [
        part
        for flag, value in wiring.items()
        if flag_value(container, flag) is None
        for part in (f"--{flag}", value)
    ]
    named = with_env(container, INFERENCE_SERVICE_NAME=service.name)
    return {**named, "args": [*(container.get("args") or ()), *missing]}
