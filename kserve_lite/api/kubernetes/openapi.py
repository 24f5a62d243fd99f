"""The pinned Kubernetes types as structural schemas, with the few refinements that a CRD needs."""

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any

Schema = dict[str, Any]

REFINEMENTS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    # Server-side apply tells ports apart by (containerPort, protocol), so the second key needs its default.
    ("ContainerPort", "protocol"): {"default": "TCP"},
    # What validation rules read is bounded, so that the API server can tell the cost of a rule beforehand.
    ("PodSpec", "containers"): {"maxItems": 16},
    ("PodSpec", "initContainers"): {"maxItems": 16},
    ("Container", "name"): {"maxLength": 63},
    ("Container", "env"): {"maxItems": 200},
    ("EnvVar", "name"): {"maxLength": 256},
    ("EnvVar", "value"): {"maxLength": 32768},
}
REMOVED: Mapping[str, frozenset[str]] = {
    # Volume plugins that Kubernetes 1.34 no longer has: the API still lists them, but no kubelet mounts them.
    "Volume": frozenset(
        [
            "cephfs",
            "flocker",
            "gitRepo",
            "glusterfs",
            "photonPersistentDisk",
            "quobyte",
            "rbd",
            "scaleIO",
            "storageos",
        ]
    ),
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    # A reference without a name refers to nothing, and lists of them are told apart by it.
    "LocalObjectReference": ("name",),
}


@cache
def definitions() -> dict[str, Schema]:
    """Return every pinned type by its short name; types refer to each other by `$ref`. Not to be changed."""
    pinned: dict[str, Schema] = json.loads(files(__package__).joinpath("definitions.json").read_text())
    for (name, field), more in REFINEMENTS.items():
        pinned[name]["properties"][field].update(more)
    for name, gone in REMOVED.items():
        pinned[name] = without(pinned[name], gone)
    for name, fields in REQUIRED.items():
        pinned[name]["required"] = sorted({*pinned[name].get("required", ()), *fields})
    return pinned


def without(schema: Schema, fields: frozenset[str]) -> Schema:
    """Return an object's schema less some of its fields."""
    return {
        **schema,
        "properties": {name: value for name, value in schema["properties"].items() if name not in fields},
        "required": [name for name in schema.get("required", ()) if name not in fields],
    }


def inline(schema: Schema) -> Schema:
    """Return a self-contained structural schema, as a CRD or an editor wants it."""
    if "$ref" in schema:
        name = schema["$ref"]
        more = {key: value for key, value in schema.items() if key != "$ref"}
        return deepcopy(_inlined(name)) | more
    result = dict(schema)
    if "properties" in result:
        result["properties"] = {name: inline(value) for name, value in result["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(result.get(key), dict):
            result[key] = inline(result[key])
    if result.get("x-kubernetes-list-type") == "atomic":
        del result["x-kubernetes-list-type"]  # lists are atomic without a word, and words are bytes
    if not result.get("required", True):
        del result["required"]
    return result


@cache
def _inlined(name: str) -> Schema:
    return inline(definitions()[name])
