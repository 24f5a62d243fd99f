"""The head of a child: its name, and the labels by which people and Services find it."""

from typing import Any

from kserve_lite.resolve.effective import Component, Effective
from kserve_lite.resolve.labels import SERVICE
from kserve_lite.resolve.route import Routed


def of_component(effective: Effective, component: Component, **annotations: str) -> dict[str, Any]:
    """Return the metadata of an object that belongs to one component, with its labels and annotations."""
    return head(component.name, effective, {**component.labels}, {**component.annotations, **annotations})


def of_service(effective: Routed, name: str, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the metadata of an object that belongs to the service as a whole."""
    return head(name, effective, {SERVICE: effective.name}, annotations or {})


def head(name: str, effective: Routed, labels: dict[str, str], annotations: dict[str, str]) -> dict[str, Any]:
    """Return name, namespace, labels and, if there are any, annotations."""
    metadata: dict[str, Any] = {"name": name, "namespace": effective.namespace, "labels": labels}
    return metadata | ({"annotations": annotations} if annotations else {})
