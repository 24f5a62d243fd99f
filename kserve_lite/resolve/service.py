"""From an InferenceService to what it comes to: runtime, containers, storage, names. Never touches its input."""

from collections.abc import Sequence
from typing import Any, Literal

from kserve_lite.api.inferenceservice import Explainer, InferenceService, Transformer
from kserve_lite.api.problems import Problem
from kserve_lite.resolve.catalogue import BUILT_IN, HTTP_PORT
from kserve_lite.resolve.containers import Meta, fill_in, flag_value, with_env
from kserve_lite.resolve.effective import Component, Effective
from kserve_lite.resolve.names import DOMAIN, all_hosts, component_name, outside_host, ready_path
from kserve_lite.resolve.predictor import predictor
from kserve_lite.resolve.runtime import Runtime


def resolve(
    service: InferenceService,
    runtimes: Sequence[Runtime] = BUILT_IN,
    *,
    domain: str = DOMAIN,
    plain_paths: bool = False,
) -> Effective | list[Problem]:
    """Return the effective service, or every reason why there is none.

    `plain_paths` accepts a storageUri without a scheme: right on the machine where the file lies, wrong in a cluster.
    """
    serving, problems = predictor(service, runtimes, plain_paths=plain_paths)
    if serving is None:
        return problems
    before, wrong = _beside(service, service.spec.transformer, "transformer", serving)
    explaining, wrong_too = _beside(service, service.spec.explainer, "explainer", serving)
    if problems := [*wrong, *wrong_too]:
        return problems
    components = tuple(c.name for c in (serving, before, explaining) if c is not None)
    return Effective(
        name=service.name,
        namespace=service.namespace,
        labels=service.labels,
        annotations=service.annotations,
        url=f"http://{outside_host(service.name, service.namespace, domain)}",
        hosts=all_hosts(service.name, service.namespace, components, domain),
        predictor=serving,
        transformer=before,
        explainer=explaining,
    )


def _beside(
    service: InferenceService,
    spec: Transformer | Explainer | None,
    role: Literal["transformer", "explainer"],
    serving: Component,
) -> tuple[Component | None, list[Problem]]:
    """Return a transformer or explainer of the user's own containers; the first one answers."""
    if spec is None:
        return None, []
    field = f"spec.{role}"
    if isinstance(spec, Explainer) and spec.art is not None:
        message = "the built-in explainer art is not run by this version"
        return None, [
            Problem("explainer_not_supported", f"{field}.art", message, "bring a container under containers")
        ]
    containers: list[dict[str, Any]] = spec.pod.get("containers") or []
    if not containers:
        return None, [
            Problem("implementation_missing", field, f"the {role} has no container", "add containers")
        ]
    meta = Meta(service.name, service.namespace, service.labels, service.annotations)
    container, problems = fill_in(_wired(service, containers[0], serving), meta, f"{field}.containers[0]")
    model = flag_value(container, "model_name") or service.name
    return Component(
        role=role,
        name=component_name(service.name, role),
        field=field,
        container=container,
        others=tuple(containers[1:]),
        storage=(),
        protocol=serving.protocol,
        model=model,
        probe=ready_path(model, serving.protocol),
        port=(container.get("ports") or [{"containerPort": HTTP_PORT}])[0]["containerPort"],
        timeout=spec.timeout,
        choice=None,
    ), problems


def _wired(service: InferenceService, container: dict[str, Any], serving: Component) -> dict[str, Any]:
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
