"""How many replicas a component has, and who decides it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kserve_lite.api.component import Component
from kserve_lite.api.config import Autoscaling
from kserve_lite.api.problems import Problem

Class = Literal["hpa", "keda", "external", "none"]


@dataclass(frozen=True)
class Scaling:
    """`scaler` none means that `least` replicas are set and kept; external that somebody else sets the number.

    `metrics` are those of a HorizontalPodAutoscaler v2 or the triggers of a KEDA ScaledObject, as JSON.
    """

    scaler: Class = "none"
    least: int = 1
    most: int = 1
    metrics: tuple[Mapping[str, Any], ...] = ()
    behavior: Mapping[str, Any] | None = None

    @property
    def replicas(self) -> int | None:
        """The number to set; None where it is an autoscaler's, which nobody must overwrite."""
        return self.least if self.scaler == "none" else None


def scaling(
    spec: Component, field: str, annotations: Mapping[str, str], settings: Autoscaling
) -> tuple[Scaling, list[Problem]]:
    """Return how a component scales, or what stands against it; there is no autoscaler unless most is above least."""
    least = 1 if spec.min_replicas is None else spec.min_replicas
    most = max(spec.max_replicas or 0, least)
    return Scaling(least=least, most=most), []
