"""The built-in runtimes as a chart needs them: their values, and the spec that templates fill those values into.

This is the one place where the generator reads more of the product than its definitions: the catalogue is data too.
"""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field, create_model

from kserve_lite.api.definition import Definition
from kserve_lite.api.values.common import Image
from kserve_lite.api.values.runtimes import RuntimeValues
from kserve_lite.resolve.catalogue import BUILT_IN, VERSION
from kserve_lite.resolve.runtime import Runtime

_IMAGE = re.compile(r"(?P<registry>[^/]+)/(?P<repository>[^:@]+):(?P<tag>[^@]+)")
_OWN_TAGS = (VERSION, f"v{VERSION}")
_MODULE = "kserve_lite.api.values.runtimes"


def with_runtimes(chart: type[BaseModel], built_in: Sequence[Runtime] = BUILT_IN) -> type[BaseModel]:
    """Return the values of `chart` with `runtimes`: one entry a built-in runtime, by its short name."""
    fields: dict[str, Any] = {}
    for runtime in built_in:
        values = _values(runtime)
        fields[value_key(runtime)] = (
            type(values),
            Field(values, alias=value_key(runtime), description=f"{runtime.name}: {_formats(runtime)}."),
        )
    runtimes = create_model("Runtimes", __base__=Definition, __module__=_MODULE, **fields)
    description = "The runtimes of the chart: for the whole cluster, or one in each watched namespace."
    return create_model(
        chart.__name__,
        __base__=chart,
        __module__=chart.__module__,
        __doc__=chart.__doc__,
        runtimes=(runtimes, Field(runtimes(), description=description)),
    )


def value_key(runtime: Runtime) -> str:
    """`kserve-tensorflow-serving` is `tensorflowServing` in values."""
    first, *others = runtime.name.removeprefix("kserve-").split("-")
    return first + "".join(other.capitalize() for other in others)


def specs(built_in: Sequence[Runtime] = BUILT_IN) -> dict[str, Any]:
    """Return name and spec of each runtime by its key in values; image and resources come from values."""
    return {value_key(runtime): {"name": runtime.name, "spec": spec(runtime)} for runtime in built_in}


def spec(runtime: Runtime) -> dict[str, Any]:
    """Return what the ServingRuntime of a built-in runtime says."""
    written: dict[str, Any] = {
        "supportedModelFormats": [
            {
                key: value
                for key, value in (
                    ("name", one.name),
                    ("version", one.version),
                    ("autoSelect", one.auto_select),
                    ("priority", one.priority),
                )
                if value is not None
            }
            for one in runtime.formats
        ],
        "protocolVersions": list(runtime.protocols),
        "containers": [dict(container) for container in runtime.containers],
    }
    for key in ("labels", "annotations"):
        if value := getattr(runtime, key):
            written[key] = dict(value)
    return written | dict(runtime.pod)


def _values(runtime: Runtime) -> RuntimeValues:
    container = runtime.containers[0]
    parts = _IMAGE.fullmatch(container["image"])
    if parts is None:
        raise ValueError(f"{runtime.name}: the image {container['image']} has no registry or no tag")
    found = parts.groupdict()
    if found["tag"] in _OWN_TAGS:
        found["tag"] = ""
    values = _with_defaults(Image, f"{value_key(runtime)}Image", **found)
    made: RuntimeValues = _with_defaults(
        RuntimeValues,
        f"{value_key(runtime)}Values",
        image=values(),
    )()
    return made


def _with_defaults(base: type[BaseModel], name: str, **defaults: Any) -> Any:
    """Return `base` with other defaults: values.yaml shows what a user gets who says nothing."""
    fields: dict[str, Any] = {}
    for key, value in defaults.items():
        info = base.model_fields[key]
        kind = type(value) if isinstance(value, BaseModel) else base.model_fields[key].annotation
        fields[key] = (kind, info.merge_field_infos(info, default=value, alias=None))
    return create_model(name, __base__=base, __module__=_MODULE, **fields)


def _formats(runtime: Runtime) -> str:
    return ", ".join(dict.fromkeys(one.name for one in runtime.formats))
