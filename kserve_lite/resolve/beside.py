"""A transformer or explainer resolved: its containers, told where the predictor is."""

from typing import Any

from kserve_lite.api.inferenceservice import Explainer, InferenceService, Transformer
from kserve_lite.api.problems import Problem
from kserve_lite.resolve import explainer, storage
from kserve_lite.resolve.component import Draft
from kserve_lite.resolve.containers import Meta, all_filled_in, env_value, flag_value, merge, with_env
from kserve_lite.resolve.effective import Role
from kserve_lite.resolve.limits import kept_beside, with_flags
from kserve_lite.resolve.names import component_name
from kserve_lite.resolve.ports import HTTP_PORT
from kserve_lite.resolve.predictor import own_files
from kserve_lite.resolve.storage import Reach


def beside(
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
    wired = with_flags(_wired(service, containers[0], serving), kept_beside(spec))
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
