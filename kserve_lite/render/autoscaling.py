"""What changes the number of replicas: a HorizontalPodAutoscaler or a KEDA ScaledObject."""

from collections.abc import Iterator
from typing import Any

from kserve_lite.render import metadata
from kserve_lite.resolve.effective import Component, Effective


def autoscaler(effective: Effective, component: Component) -> Iterator[dict[str, Any]]:
    """Yield the autoscaler of a component, if it has one of ours."""
    scaling = component.scaling
    if scaling.scaler == "hpa":
        yield {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata.of_component(effective, component),
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": component.name},
                "minReplicas": scaling.least,
                "maxReplicas": scaling.most,
                "metrics": [dict(metric) for metric in scaling.metrics],
                **({"behavior": dict(scaling.behavior)} if scaling.behavior else {}),
            },
        }
