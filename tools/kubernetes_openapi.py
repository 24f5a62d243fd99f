"""Cut the Kubernetes types that our definitions embed out of a published OpenAPI document: nobody types them by hand.

    uv run --no-project --with kubernetes-validate==1.37.0 python -m tools.kubernetes_openapi

writes `kserve_lite/api/kubernetes/definitions.json`; PROVENANCE.md beside it says where it comes from.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

VERSION = "1.34"
ROOTS = (
    "io.k8s.api.core.v1.PodSpec",
    "io.k8s.api.core.v1.Toleration",
    "io.k8s.api.apps.v1.DeploymentStrategy",
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
)
KEPT = {
    "type", "properties", "required", "items", "additionalProperties",
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
}  # fmt: skip
SCALARS: dict[str, dict[str, Any]] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"x-kubernetes-int-or-string": True},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "x-kubernetes-int-or-string": True,
        # What k8s.io/apimachinery/pkg/api/resource parses: sign, number, binary or decimal suffix, or exponent.
        "pattern": r"^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$",
    },
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": {"type": "string"},
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": {"type": "object"},
}
TARGET = Path(__file__).parent.parent / "kserve_lite/api/kubernetes/definitions.json"


def main() -> None:
    """Write the subset of `ROOTS` and everything that they refer to."""
    source = files("kubernetes_validate") / f"kubernetes-json-schema/v{VERSION}.0-local/_definitions.json"
    published = json.loads(source.read_text())["$defs"]
    subset: dict[str, Any] = {}
    for root in ROOTS:
        collect(root, published, subset)
    TARGET.write_text(json.dumps(dict(sorted(subset.items())), separators=(",", ":"), sort_keys=True) + "\n")


def collect(name: str, published: dict[str, Any], subset: dict[str, Any]) -> None:
    """Put the definition `name` into `subset` under its short name, then what it refers to."""
    short = name.rsplit(".", 1)[1]
    if short in subset:
        return
    subset[short] = {}
    subset[short].update(SCALARS.get(name) or trim(published[name], published, subset))


def trim(schema: dict[str, Any], published: dict[str, Any], subset: dict[str, Any]) -> dict[str, Any]:
    """Keep types and apply topology; drop prose, the `null` that Go's decoder lets pass, and patch hints."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        collect(name, published, subset)
        topology = {key: value for key, value in schema.items() if key in KEPT}
        return {"$ref": name.rsplit(".", 1)[1], **topology}
    kept: dict[str, Any] = {key: value for key, value in schema.items() if key in KEPT}
    if isinstance(kept.get("type"), list):
        (kept["type"],) = (name for name in kept["type"] if name != "null")
    if kept.get("additionalProperties") is False:
        del kept["additionalProperties"]
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = trim(kept[key], published, subset)
    if "properties" in kept:
        kept["properties"] = {
            name: trim(value, published, subset) for name, value in kept["properties"].items()
        }
    return kept


if __name__ == "__main__":
    main()
