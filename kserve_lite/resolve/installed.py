"""A runtime as it is chosen from, made of the ServingRuntime or ClusterServingRuntime that is installed."""

from kserve_lite.api.servingruntime import ClusterServingRuntime, ServingRuntime, SupportedFormat
from kserve_lite.resolve.runtime import Format, Runtime


def installed(resource: ServingRuntime | ClusterServingRuntime) -> Runtime:
    """Return the runtime; as for KServe, a format without `autoSelect` is only served to who names the runtime."""
    spec = resource.spec
    pod = spec.pod
    return Runtime(
        name=resource.name,
        formats=tuple(map(_format, spec.supported_model_formats or ())),
        protocols=tuple(spec.protocol_versions or ()),
        containers=tuple(pod.get("containers") or ()),
        scope="namespace" if isinstance(resource, ServingRuntime) else "cluster",
        disabled=bool(spec.disabled),
        multi_model=bool(spec.multi_model),
        multi_node=spec.worker_spec is not None,
        labels=dict(spec.labels or {}),
        annotations=dict(spec.annotations or {}),
        pod={name: value for name, value in pod.items() if name != "containers"},
    )


def _format(one: SupportedFormat) -> Format:
    return Format(one.name, one.version, one.priority, bool(one.auto_select))
