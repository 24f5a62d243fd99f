"""How many pods of a component a drained node may take away at once."""

from collections.abc import Iterator
from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.render import metadata
from kserve_lite.resolve.effective import Component, Effective
from kserve_lite.resolve.labels import selector


def budget(effective: Effective, component: Component, config: Config) -> Iterator[dict[str, Any]]:
    """Yield a PodDisruptionBudget for two replicas or more; for one it would only keep nodes from being drained."""
    if config.pods.disruption_budget and component.scaling.least > 1:
        yield {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata.of_component(effective, component),
            "spec": {
                "maxUnavailable": 1,
                "selector": {"matchLabels": selector(component.name)},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        }
