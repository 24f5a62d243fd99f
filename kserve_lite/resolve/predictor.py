"""A predictor resolved: its model's runtime found, containers merged, storage listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kserve_lite.api.inferenceservice import ComponentPod, InferenceService
from kserve_lite.api.model import Framework, Model
from kserve_lite.api.problems import Problem
from kserve_lite.resolve import multimodel, storage
from kserve_lite.resolve.catalogue import CONTAINER, MODELS
from kserve_lite.resolve.component import Draft
from kserve_lite.resolve.containers import (
    Meta,
    all_filled_in,
    env_value,
    merge,
    merged_by_name,
    with_env,
    with_tag,
)
from kserve_lite.resolve.effective import Storage
from kserve_lite.resolve.limits import kept, with_flags
from kserve_lite.resolve.names import component_name
from kserve_lite.resolve.runtime import Choice, Runtime, choose
from kserve_lite.resolve.runtime import Model as Wanted
from kserve_lite.resolve.servers import OURS, server_of
from kserve_lite.resolve.storage import Reach

FIELD = "spec.predictor"

# KServe's defaulter: these are served over V2 unless the user says otherwise.
_V2_FRAMEWORKS = ("triton", "onnx", "huggingface")
_V2_FORMATS = ("triton", "vLLM")
_MODEL_CLASS = {
    "sklearn": "mlserver_sklearn.SKLearnModel",
    "xgboost": "mlserver_xgboost.XGBoostModel",
    "lightgbm": "mlserver_lightgbm.LightGBMModel",
    "mlflow": "mlserver_mlflow.MLflowRuntime",
}


def predictor(
    service: InferenceService, runtimes: Sequence[Runtime], reach: Reach
) -> tuple[Draft | None, list[Problem]]:
    """Return the predictor's containers, files and runtime, or None and everything that stands against it."""
    spec = service.spec.predictor
    if spec.model is not None and (legacy := spec.framework):
        message = f"both model and {legacy[0]} are set, and each of them is the whole model"
        return None, [Problem("implementation_twice", f"{FIELD}.{legacy[0]}", message, "keep one of the two")]
    if spec.model is not None:
        return _served(service, _asked(spec.model), f"{FIELD}.model", runtimes, reach)
    if legacy := spec.framework:
        return _served(service, _read_as_model(*legacy), f"{FIELD}.{legacy[0]}", runtimes, reach)
    if spec.pod.get("containers"):
        return _custom(service, reach)
    message = "there is nothing to serve"
    return None, [
        Problem("implementation_missing", FIELD, message, "add model, with modelFormat and storageUri")
    ]


@dataclass(frozen=True)
class _Asked:
    """A model as the user asked for it, legacy key or not."""

    wanted: Wanted
    source: Mapping[str, Any]
    container: Mapping[str, Any]
    runtime_version: str | None


def _asked(model: Model) -> _Asked:
    version2 = "v2" if model.model_format.name in _V2_FORMATS else None
    wanted = Wanted(
        model.model_format.name,
        model.model_format.version,
        model.protocol_version or version2,
        model.runtime or None,
    )
    return _Asked(wanted, model.as_yaml(), model.container, model.runtime_version)


def _read_as_model(name: str, framework: Framework) -> _Asked:
    """Read a legacy framework key as the model that it means; the object itself stays as it was written."""
    version2 = "v2" if name in _V2_FRAMEWORKS else None
    wanted = Wanted(name, protocol=framework.protocol_version or version2)
    return _Asked(wanted, framework.as_yaml(), framework.container, framework.runtime_version)


def _served(
    service: InferenceService, asked: _Asked, field: str, runtimes: Sequence[Runtime], reach: Reach
) -> tuple[Draft | None, list[Problem]]:
    spec = service.spec.predictor
    uris = [item.as_yaml() for item in spec.storage_uris or ()]
    steps, problems = storage.steps(asked.source, uris, field, FIELD, reach)
    assigned = reach.assigned and not steps
    if not steps and not assigned and asked.wanted.format != "huggingface":
        message = "nothing says where the model files are"
        remedy = "add storageUri, or TrainedModels that name this service"
        problems.append(Problem("storage_missing", f"{field}.storageUri", message, remedy))
    choice = choose(asked.wanted, runtimes)
    if choice.best is None or choice.protocol is None:
        return None, [*problems, _no_runtime(asked.wanted, choice, field)]
    base = next((c for c in choice.best.containers if c.get("name") == CONTAINER), {})
    container = merge(base, {**asked.container, "name": CONTAINER})
    if asked.runtime_version:
        if (image := with_tag(container["image"], asked.runtime_version)) is None:
            message = f"the image {container['image']} is pinned by a digest, which no tag can replace"
            problems.append(
                Problem("runtime_version_pinned", f"{field}.runtimeVersion", message, "remove runtimeVersion")
            )
        container["image"] = image or container["image"]
    meta = _meta(service, choice.best, asked.wanted.format, choice.protocol)
    server = server_of(choice.best)
    container = with_env(container, INFERENCE_SERVICE_NAME=service.name, **server.env)
    container = with_flags(container, kept(spec, server))
    if assigned:
        if choice.best.server != OURS:
            message = f"the server of {choice.best.name} does not take models from a list"
            problems.append(
                Problem("many_models_unsupported", field, message, "use runtime kserve-sklearnserver")
            )
        container = multimodel.reading_the_list(container)
    of_runtime = [(c, field) for c in choice.best.containers if c.get("name") != CONTAINER]
    of_user = [(c, f"{FIELD}.containers[{i}]") for i, c in enumerate(spec.pod.get("containers") or ())]
    (container, *others), wrong = all_filled_in(
        [(container, f"{field}.args"), *merged_by_name(of_runtime, of_user)], meta
    )
    if problems := [*problems, *wrong]:
        return None, problems
    return Draft(
        role="predictor",
        name=component_name(service.name, "predictor", spec.name),
        field=field,
        container=container,
        others=tuple(others),
        storage=steps,
        protocol=choice.protocol,
        choice=choice,
        ready=multimodel.READY if assigned else "",
        volumes=multimodel.volumes(service.name) if assigned else (),
    ), []


def own_files(
    spec: ComponentPod, container: Mapping[str, Any], field: str, component: str, reach: Reach
) -> tuple[tuple[Storage, ...], list[Problem]]:
    """Return the files that a container of the user's own asks for: by STORAGE_URI, or by storageUris beside it."""
    uris = [item.as_yaml() for item in spec.storage_uris or ()]
    by_variable, wrong = storage.container_steps(container, field, reach)
    listed, wrong_too = storage.steps({}, uris, field, component, reach)
    return (*by_variable, *listed), [*wrong, *wrong_too]


def _custom(service: InferenceService, reach: Reach) -> tuple[Draft | None, list[Problem]]:
    """A predictor of containers that the user brings: the one called kserve-container answers, else the first."""
    spec = service.spec.predictor
    containers: list[dict[str, Any]] = spec.pod["containers"]
    index = next((i for i, c in enumerate(containers) if c.get("name") == CONTAINER), 0)
    own = containers[index]
    field = f"{FIELD}.containers[{index}]"
    steps, problems = own_files(spec, own, field, FIELD, reach)
    protocol = env_value(own, "PROTOCOL") or "v1"
    container = with_env({**own, "name": CONTAINER}, INFERENCE_SERVICE_NAME=service.name)
    if env_value(own, "STORAGE_URI"):  # the files are there when it starts
        container = merge(container, {"env": [{"name": "STORAGE_URI", "value": MODELS}]})
    meta = Meta(service.name, service.namespace, service.labels, service.annotations)
    beside = [(c, f"{FIELD}.containers[{i}]") for i, c in enumerate(containers) if i != index]
    (container, *others), wrong = all_filled_in([(container, field), *beside], meta)
    if problems := [*problems, *wrong]:
        return None, problems
    return Draft(
        role="predictor",
        name=component_name(service.name, "predictor", spec.name),
        field=field,
        container=container,
        others=tuple(others),
        storage=steps,
        protocol=protocol,
    ), []


def _no_runtime(wanted: Wanted, choice: Choice, field: str) -> Problem:
    reasons = "; ".join(f"{v.runtime.name}: {v.reason}" for v in choice.verdicts) or "no runtime is installed"
    if wanted.runtime:
        known = ", ".join(v.runtime.name for v in choice.verdicts)
        named = next((v for v in choice.verdicts if v.runtime.name == wanted.runtime), None)
        why = f"cannot serve {wanted.wanted}: {named.reason}" if named else "does not exist"
        return Problem(
            "runtime_unfit", f"{field}.runtime", f"the runtime {wanted.runtime} {why}", f"known are {known}"
        )
    formats = sorted({f.name for v in choice.verdicts for f in v.runtime.formats if f.auto_select})
    message = f"no runtime serves {wanted.wanted} over {wanted.protocol or 'v1'} ({reasons})"
    return Problem(
        "runtime_not_found", field, message, f"use one of the formats {', '.join(formats)}, or name a runtime"
    )


def _meta(service: InferenceService, runtime: Runtime, model_format: str, protocol: str) -> Meta:
    """Return what templates see: the object's own, and the labels and annotation that KServe's defaulter would add."""
    labels = {
        **runtime.labels,
        **service.labels,
        "serviceEnvelope": "kservev2" if protocol == "v2" else "kserve",
    }
    if model_class := _MODEL_CLASS.get(model_format):
        labels.setdefault("modelClass", model_class)
    annotations = {**runtime.annotations, **service.annotations, "modelFormat": model_format}
    return Meta(service.name, service.namespace, labels, annotations)
