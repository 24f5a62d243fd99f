"""What an autoscaler measures: as metrics of a HorizontalPodAutoscaler, or as triggers of a KEDA ScaledObject."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kserve_lite.api.problems import Problem

GRAPHITE_SPAN = "-10Minutes"
"""How far back KEDA asks Graphite; it knows no default, and KServe's API has no field."""


@dataclass(frozen=True)
class Source:
    """One metric as the user wrote it (`kind` Resource or External), and its field."""

    kind: str
    written: Mapping[str, Any]
    field: str

    @property
    def target(self) -> Mapping[str, Any]:
        """The value to aim at."""
        target: Mapping[str, Any] = self.written["target"]
        return target

    @property
    def type(self) -> str:
        """How the target is read."""
        return str(self.target.get("type", "Utilization"))


def hpa(sources: Sequence[Source]) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Return the metrics of a HorizontalPodAutoscaler, which measures cpu and memory."""
    problems = [
        Problem(
            "hpa_metrics",
            source.field,
            "the HorizontalPodAutoscaler takes only metrics of type Resource",
            "annotate serving.kserve.io/autoscalerClass: keda",
        )
        for source in sources
        if source.kind != "Resource"
    ]
    of_resources = [source for source in sources if source.kind == "Resource"]
    problems += [
        _wrong_type(source, "Utilization", "AverageValue")
        for source in of_resources
        if source.type == "Value"
    ]
    return [_resource(source) for source in of_resources], problems


def keda(sources: Sequence[Source]) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Return the triggers of a ScaledObject."""
    triggers: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for source in sources:
        if source.kind == "Resource":
            allowed = (
                ("Utilization", "AverageValue") if source.written["name"] == "memory" else ("Utilization",)
            )
            triggers.append(_resource_trigger(source))
        else:
            allowed = ("AverageValue", "Value")
            triggers.append(_query_trigger(source))
            problems += _incomplete(source)
        if source.type not in allowed:
            problems.append(_wrong_type(source, *allowed))
    return triggers, problems


def of_requests(sources: Sequence[Source]) -> Iterator[str]:
    """Yield the resources of which percent of the request is measured."""
    for source in sources:
        if source.kind == "Resource" and source.type == "Utilization":
            yield source.written["name"]


def _resource(source: Source) -> dict[str, Any]:
    target = {"type": source.type, **source.target}
    if isinstance(target.get("averageValue"), int):  # the API writes quantities as text
        target["averageValue"] = str(target["averageValue"])
    return {"type": "Resource", "resource": {"name": source.written["name"], "target": target}}


def _resource_trigger(source: Source) -> dict[str, Any]:
    return {
        "type": source.written["name"],
        "metricType": source.type,
        "metadata": {"value": _value(source)},
    }


def _query_trigger(source: Source) -> dict[str, Any]:
    metric = source.written["metric"]
    backend = metric.get("backend", "prometheus")
    metadata = {
        "serverAddress": metric.get("serverAddress", ""),
        "query": metric.get("query", ""),
        "threshold": _value(source),
    }
    if namespace := metric.get("namespace"):
        metadata["namespace"] = namespace
    if backend == "graphite":
        metadata["queryTime"] = GRAPHITE_SPAN
    trigger: dict[str, Any] = {"type": backend, "metricType": source.type, "metadata": metadata}
    if authentication := source.written.get("authenticationRef"):
        if modes := authentication.get("authModes"):
            metadata["authModes"] = modes
        trigger["authenticationRef"] = {"name": authentication["authenticationRef"]["name"]}
    return trigger


def _value(source: Source) -> str:
    """Return the target's value as KEDA writes it: text."""
    name = {"Utilization": "averageUtilization", "AverageValue": "averageValue"}.get(source.type, "value")
    return str(source.target.get(name, ""))


def _incomplete(source: Source) -> Iterator[Problem]:
    if not source.written["metric"].get("serverAddress"):
        message = "nothing says where the metric is asked for"
        field = f"{source.field}.external.metric.serverAddress"
        yield Problem("metric_server", field, message, "write the URL of the metrics server")


def _wrong_type(source: Source, *allowed: str) -> Problem:
    what = source.written["name"] if source.kind == "Resource" else "a metric from outside"
    message = f"{what} cannot be read as {source.type}"
    return Problem(
        "metric_type", source.field, message, f"write target.type {' or '.join(allowed)} and its value"
    )
