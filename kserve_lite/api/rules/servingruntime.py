"""Rules about runtimes, of one and among several."""

from collections.abc import Sequence
from itertools import combinations

from kserve_lite.api.marks import Rule
from kserve_lite.api.problems import Problem
from kserve_lite.api.rules.match import named
from kserve_lite.api.rules.pods import CONTAINER, all_clean, clean
from kserve_lite.api.servingruntime import (
    ClusterServingRuntime,
    ServingRuntime,
    ServingRuntimeSpec,
    SupportedFormat,
)

MODELMESH = {
    "grpcEndpoint": "grpc_endpoint",
    "grpcDataEndpoint": "grpc_data_endpoint",
    "httpDataEndpoint": "http_data_endpoint",
    "replicas": "replicas",
    "storageHelper": "storage_helper",
    "builtInAdapter": "built_in_adapter",
}
PARALLEL = ("PIPELINE_PARALLEL_SIZE", "TENSOR_PARALLEL_SIZE")


def selectable(spec: ServingRuntimeSpec) -> list[SupportedFormat]:
    """Return the formats by which a model may find the runtime."""
    return [one for one in spec.supported_model_formats or () if one.auto_select]


def one_priority(spec: ServingRuntimeSpec) -> bool:
    """Return whether the entries of one format have one priority."""
    return all(a.name != b.name or a.priority == b.priority for a, b in combinations(selectable(spec), 2))


def unsupported(field: str, attribute: str) -> Rule:
    """Return the rule that a field of ModelMesh's is not there."""
    return Rule(
        id="modelmesh_unsupported",
        on=ServingRuntimeSpec,
        cel=f"!has(self.{field})",
        message=f"{field} is for ModelMesh",
        remedy="remove it",
        holds=lambda spec: getattr(spec, attribute) is None,
        field=f".{field}",
    )


def conflicts(runtimes: Sequence[ServingRuntime | ClusterServingRuntime]) -> list[tuple[str, str, Problem]]:
    """Return each pair of enabled runtimes of one scope between which a model could not decide (R2)."""
    found = []
    for a, b in combinations(runtimes, 2):
        same_scope = (a.kind, a.metadata.get("namespace")) == (b.kind, b.metadata.get("namespace"))
        if not same_scope or a.spec.disabled or b.spec.disabled:
            continue
        if bool(a.spec.multi_model) != bool(b.spec.multi_model) or not speak_alike(a.spec, b.spec):
            continue
        for one in selectable(a.spec):
            for other in selectable(b.spec):
                alike = (one.name.lower(), one.version) == (other.name.lower(), other.version)
                if alike and one.priority == other.priority:
                    message = (
                        f"{a.name} and {b.name} serve {one.name} {one.version or ''} with the same priority"
                    )
                    remedy = "give one of them another priority"
                    where = "spec.supportedModelFormats"
                    found.append(
                        (
                            a.name,
                            b.name,
                            Problem("runtime_priority", where, " ".join(message.split()), remedy),
                        )
                    )
    return found


def speak_alike(a: ServingRuntimeSpec, b: ServingRuntimeSpec) -> bool:
    """Return whether two runtimes have a protocol in common; one that names none speaks all."""
    return (
        not a.protocol_versions
        or not b.protocol_versions
        or bool({*a.protocol_versions} & {*b.protocol_versions})
    )


FORMATS = "self.supportedModelFormats"
PASSED_OVER = "!has({0}.autoSelect) || !{0}.autoSelect"
PRIORITY = "(has({0}.priority) ? {0}.priority : 0)"

RULES = (
    # R1
    Rule(
        id="format_priority",
        on=ServingRuntimeSpec,
        cel=(
            f"!has({FORMATS}) || {FORMATS}.all(a, {PASSED_OVER.format('a')} || {FORMATS}.all(b, "
            f"{PASSED_OVER.format('b')} || a.name != b.name || {PRIORITY.format('a')} == {PRIORITY.format('b')}))"
        ),
        message="entries of one format that may be selected automatically must have the same priority",
        remedy="give all versions of a format one priority",
        holds=one_priority,
        field=".supportedModelFormats",
    ),
    # R3
    Rule(
        id="worker_spec_unsupported",
        on=ServingRuntimeSpec,
        cel="!has(self.workerSpec)",
        message="workerSpec is not supported: a model runs on one node here",
        remedy="remove it",
        holds=lambda spec: spec.worker_spec is None,
        field=".workerSpec",
    ),
    # R4
    Rule(
        id="parallel_size",
        on=ServingRuntimeSpec,
        cel=" && ".join(all_clean("self.containers", variable) for variable in PARALLEL),
        message=f"{' and '.join(PARALLEL)} must not be set: a model runs on one node here",
        remedy="remove them",
        holds=lambda spec: all(clean(spec.containers, variable) for variable in PARALLEL),
        field=".containers",
    ),
    Rule(
        id="pythonpath",
        on=ServingRuntimeSpec,
        cel=all_clean("self.containers", "PYTHONPATH"),
        message="PYTHONPATH must not be set",
        remedy="put packages into the image",
        holds=lambda spec: clean(spec.containers, "PYTHONPATH"),
        field=".containers",
    ),
    # R5
    Rule(
        id="runtime_container",
        on=ServingRuntimeSpec,
        cel=f"has(self.containers) && self.containers.exists(c, c.name == '{CONTAINER}')",
        message=f"a runtime needs a container called {CONTAINER}",
        remedy="add it, or give this name to the one that serves",
        holds=lambda spec: named(spec.containers, CONTAINER),
    ),
    *(unsupported(field, attribute) for field, attribute in MODELMESH.items()),
)
