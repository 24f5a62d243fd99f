"""How many replicas a component has, and who decides it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kserve_lite.api.component import Component
from kserve_lite.api.config import Autoscaling
from kserve_lite.api.problems import Problem
from kserve_lite.api.rules.metadata import AUTOSCALER
from kserve_lite.resolve.metrics import Source, hpa, keda, of_requests

Class = Literal["hpa", "keda", "external", "none"]
CPU_PERCENT = 80
FIELDS = (
    "minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "scaleMetricType", "autoScaling"
)  # fmt: skip


@dataclass(frozen=True)
class Scaling:
    """`scaler` none means that `least` replicas are set and kept; external that somebody else sets the number.

    `metrics` are those of a HorizontalPodAutoscaler v2 or the triggers of a KEDA ScaledObject, as JSON.
    """

    scaler: Class
    least: int
    most: int
    metrics: tuple[Mapping[str, Any], ...] = ()
    behavior: Mapping[str, Any] | None = None

    @property
    def replicas(self) -> int | None:
        """The number to set; None where it is an autoscaler's, which nobody must overwrite."""
        return self.least if self.scaler == "none" else None


@dataclass(frozen=True)
class Decision:
    """How a component scales, what stands against it, and what was written without effect."""

    scaling: Scaling
    problems: tuple[Problem, ...] = ()
    notices: tuple[Problem, ...] = ()


def decide(
    spec: Component,
    field: str,
    annotations: Mapping[str, str],
    settings: Autoscaling,
    containers: Sequence[Mapping[str, Any]],
) -> Decision:
    """Decide how a component scales; nothing scales it unless its most is above its least.

    `containers` are those of its pod: percentages are of what they request.
    """
    written = spec.as_yaml()
    scaler: Any = annotations.get(AUTOSCALER) or settings.default_class
    sources = _sources(written, field)
    if scaler == "external":
        unused = _unused(
            written, field, FIELDS, "another autoscaler sets the replicas (autoscalerClass external)"
        )
        return Decision(Scaling("external", 1, 1), notices=tuple(unused))
    least = written.get("minReplicas", 1)
    notices = []
    if least == 0 and not (scaler == "keda" and any(source.kind == "External" for source in sources)):
        notices.append(_zero(field))
        least = 1
    most = max(written.get("maxReplicas", 0), least)
    if scaler == "none" or most == least:
        why = "autoscalerClass is none" if scaler == "none" else "maxReplicas is not above minReplicas"
        unused = _unused(
            written, field, FIELDS[2:] if scaler != "none" else FIELDS[1:], f"nothing scales: {why}"
        )
        return Decision(Scaling("none", least, least), notices=(*notices, *unused))
    found, problems = (keda if scaler == "keda" else hpa)(sources)
    problems += _without_requests(sources, field, containers)
    behavior = (written.get("autoScaling") or {}).get("behavior")
    return Decision(Scaling(scaler, least, most, tuple(found), behavior), tuple(problems), tuple(notices))


def _sources(written: Mapping[str, Any], field: str) -> list[Source]:
    """Return what is measured; cpu at 80 percent of the request where nothing is said."""
    if listed := (written.get("autoScaling") or {}).get("metrics"):
        return [
            Source(metric["type"], metric[metric["type"].lower()], f"{field}.autoScaling.metrics[{i}]")
            for i, metric in enumerate(listed)
        ]
    target = {"type": "Utilization", "averageUtilization": written.get("scaleTarget", CPU_PERCENT)}
    resource = {"name": written.get("scaleMetric", "cpu"), "target": target}
    return [Source("Resource", resource, f"{field}.scaleMetric")]


def _zero(field: str) -> Problem:
    message = "a pod that is not there cannot answer, and nothing here holds its requests: one replica stays"
    remedy = "write 1, or scale by an External metric with autoscalerClass keda, or stop it by serving.kserve.io/stop"
    return Problem("scale_to_zero", f"{field}.minReplicas", message, remedy)


def _unused(written: Mapping[str, Any], field: str, names: Sequence[str], why: str) -> Iterator[Problem]:
    for name in names:
        if name in written:
            yield Problem("no_effect", f"{field}.{name}", why, "remove it, or let something scale by it")


def _without_requests(
    sources: Sequence[Source], field: str, containers: Sequence[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Yield a problem for each container without the request that a percentage is taken of: the pod is not scaled."""
    for resource in dict.fromkeys(of_requests(sources)):
        for container in containers:
            resources = container.get("resources") or {}
            if all(resource not in (resources.get(kind) or {}) for kind in ("requests", "limits")):
                message = f"the container {container.get('name')} requests no {resource}, and percent is of the request"
                remedy = f"set resources.requests.{resource} of this container"
                yield Problem("scale_request_missing", field, message, remedy)
