"""A runtime as it is chosen from, made of the ServingRuntime or ClusterServingRuntime that is installed, and back."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from kserve_lite.api.servingruntime import ClusterServingRuntime, ServingRuntime, SupportedFormat
from kserve_lite.resolve.runtime import Format, Runtime
from kserve_lite.resolve.servers import OURS, TYPE, server_type

OUR_IMAGES = "kserve-lite/"


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
        server=_server(resource),
    )


def visible(
    namespace: str, resources: Iterable[ServingRuntime | ClusterServingRuntime]
) -> tuple[Runtime, ...]:
    """Return what the services of a namespace may choose from: its own runtimes and the cluster's."""
    return tuple(
        installed(one)
        for one in resources
        if isinstance(one, ClusterServingRuntime) or one.namespace == namespace
    )


def manifest(runtime: Runtime) -> dict[str, Any]:
    """Return the ClusterServingRuntime of which `installed` makes the same runtime."""
    metadata: dict[str, Any] = {"name": runtime.name}
    if runtime.server:
        metadata["annotations"] = {TYPE: runtime.server}
    spec: dict[str, Any] = {
        "supportedModelFormats": [_written(one) for one in runtime.formats],
        "protocolVersions": list(runtime.protocols),
        "containers": deepcopy(list(runtime.containers)),  # the caller's to change
        **deepcopy(runtime.pod),
    }
    maps = {"labels": runtime.labels, "annotations": runtime.annotations}
    spec |= {name: dict(value) for name, value in maps.items() if value}
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ClusterServingRuntime",
        "metadata": metadata,
        "spec": spec,
    }


def _format(one: SupportedFormat) -> Format:
    return Format(one.name, one.version, one.priority, bool(one.auto_select))


def _written(one: Format) -> dict[str, Any]:
    fields = {
        "name": one.name,
        "version": one.version,
        "autoSelect": one.auto_select,
        "priority": one.priority,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _server(resource: ServingRuntime | ClusterServingRuntime) -> str:
    """Return the kind of server; a runtime with an image of ours is ours, whatever it is called."""
    images = [str(container.get("image")) for container in resource.spec.pod.get("containers") or ()]
    if TYPE not in resource.annotations and any(OUR_IMAGES in image for image in images):
        return OURS
    return server_type(resource.name, resource.annotations)
