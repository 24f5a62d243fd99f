"""What changes the number of replicas: a HorizontalPodAutoscaler or a KEDA ScaledObject."""

from collections.abc import Iterator
from typing import Any

from kserve_lite.render import metadata
from kserve_lite.resolve.effective import Component, Effective


def autoscaler(effective: Effective, component: Component) -> Iterator[dict[str, Any]]:
    """Yield the autoscaler of a component, if it has one of ours."""
    if component.scaling.scaler == "hpa":
        yield {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata.of_component(effective, component),
            "spec": _horizontal(component),
        }
    if component.scaling.scaler == "keda":
        yield {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "ScaledObject",
            "metadata": metadata.of_component(effective, component),
            "spec": _event_driven(component),
        }


def _horizontal(component: Component) -> dict[str, Any]:
    scaling = component.scaling
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": component.name},
        "minReplicas": scaling.least,
        "maxReplicas": scaling.most,
        "metrics": [dict(metric) for metric in scaling.metrics],
        **({"behavior": dict(scaling.behavior)} if scaling.behavior else {}),
    }


def _event_driven(component: Component) -> dict[str, Any]:
    scaling = component.scaling
    spec: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": component.name},
        "minReplicaCount": scaling.least,
        "maxReplicaCount": scaling.most,
        "triggers": [dict(trigger) for trigger in scaling.metrics],
    }
    if scaling.behavior:
        spec["advanced"] = {"horizontalPodAutoscalerConfig": {"behavior": dict(scaling.behavior)}}
    return spec
