"""Rules about replicas and what scales them."""

from kserve_lite.api.component import Component, ExternalSource, Metric, MetricTarget, Scaled
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.marks import Rule
from kserve_lite.api.rules.metadata import AUTOSCALER

SOURCES = {"Resource": "resource", "External": "external", "PodMetric": "podmetric"}


def ordered(scaled: Scaled) -> bool:
    """Return whether the fewest are not more than the most; 0 as the most means no limit was given."""
    fewest = 1 if scaled.min_replicas is None else scaled.min_replicas
    return not scaled.max_replicas or fewest <= scaled.max_replicas


def components(service: InferenceService) -> list[Component]:
    """Return the components that are there."""
    spec = service.spec
    return [one for one in (spec.predictor, spec.transformer, spec.explainer) if one is not None]


def metrics(component: Component) -> list[Metric]:
    """Return the metrics of a component."""
    return (component.auto_scaling and component.auto_scaling.metrics) or []


def hpa_can(service: InferenceService) -> bool:
    """Return whether the HorizontalPodAutoscaler can do what is asked of it, where the annotation names it."""
    return service.annotations.get(AUTOSCALER) != "hpa" or all(
        metric.type == "Resource" for component in components(service) for metric in metrics(component)
    )


def keda_can(service: InferenceService) -> bool:
    """Return whether KEDA can do what is asked for: it takes metrics only from autoScaling, cpu only as Utilization."""
    return service.annotations.get(AUTOSCALER) != "keda" or all(
        component.scale_metric is None
        and all(
            metric.resource is None
            or metric.resource.target.type in {"cpu": ("Utilization",)}.get(
                metric.resource.name, ("Utilization", "AverageValue")
            )
            for metric in metrics(component)
        )
        for component in components(service)
    )  # fmt: skip


def target_given(target: MetricTarget) -> bool:
    """Return whether the value that the type speaks of is there."""
    return {
        "Utilization": target.average_utilization,
        "AverageValue": target.average_value,
        "Value": target.value,
        None: target.average_utilization,
    }[target.type] is not None


def source_given(metric: Metric) -> bool:
    """Return whether of the three sources only that of the type is there."""
    given = {kind for kind, name in SOURCES.items() if getattr(metric, name) is not None}
    return given == {metric.type}


CLASS = (
    f"(has(self.metadata.annotations) && '{AUTOSCALER}' in self.metadata.annotations "
    f"? self.metadata.annotations['{AUTOSCALER}'] : '')"
)


def each_component(condition: str) -> str:
    """CEL: `condition` holds for the predictor, the transformer and the explainer, where they are."""
    return " && ".join(
        f"(!has(self.spec.{name}) || {condition.format(f'self.spec.{name}')})"
        for name in ("predictor", "transformer", "explainer")
    )


def each_metric(condition: str) -> str:
    """CEL: `condition` holds for each metric `m` of a component."""
    listed = "{0}.autoScaling.metrics"
    return f"(!has({{0}}.autoScaling) || !has({listed}) || {listed}.all(m, {condition}))"


RULES = (
    # I9
    Rule(
        id="replicas_order",
        on=Scaled,
        cel=(
            "!has(self.maxReplicas) || self.maxReplicas == 0 || "
            "(has(self.minReplicas) ? self.minReplicas : 1) <= self.maxReplicas"
        ),
        message="minReplicas (1 when left out) must not be above maxReplicas",
        remedy="raise maxReplicas or lower minReplicas",
        holds=ordered,
        field=".minReplicas",
    ),
    # I13 and I15: KServe makes an autoscaler without metrics of these.
    Rule(
        id="scale_metric",
        on=Scaled,
        cel="!has(self.scaleMetric) || self.scaleMetric in ['cpu', 'memory']",
        message="scaleMetric concurrency and rps need Knative",
        remedy="use cpu or memory, or autoScaling.metrics with autoscalerClass keda",
        holds=lambda scaled: scaled.scale_metric in (None, "cpu", "memory"),
        field=".scaleMetric",
    ),
    Rule(
        id="scale_target_percent",
        on=Scaled,
        cel=(
            "!has(self.scaleTarget) || self.scaleTarget <= 100 || (has(self.scaleMetric) && self.scaleMetric != 'cpu')"
        ),
        message="scaleTarget of cpu is percent of the request, at most 100",
        remedy="write a value from 1 to 100",
        holds=lambda scaled: (
            scaled.scale_target is None
            or scaled.scale_target <= 100
            or scaled.scale_metric not in (None, "cpu")
        ),
        field=".scaleTarget",
    ),
    Rule(
        id="scale_metric_type",
        on=Component,
        cel="!has(self.scaleMetricType) || self.scaleMetricType == 'Utilization'",
        message="scaleTarget has no unit: it is percent of the request",
        remedy="write values under autoScaling.metrics",
        holds=lambda component: component.scale_metric_type in (None, "Utilization"),
        field=".scaleMetricType",
    ),
    Rule(
        id="one_scaling",
        on=Component,
        cel=(
            "!has(self.autoScaling) || !has(self.autoScaling.metrics) || size(self.autoScaling.metrics) == 0 || "
            "(!has(self.scaleMetric) && !has(self.scaleTarget))"
        ),
        message="autoScaling.metrics and scaleMetric or scaleTarget exclude each other",
        remedy="write all metrics under autoScaling.metrics",
        holds=lambda component: (
            not metrics(component) or (component.scale_metric is None and component.scale_target is None)
        ),
        field=".autoScaling",
    ),
    # I13
    Rule(
        id="hpa_metrics",
        on=InferenceService,
        cel=f"{CLASS} != 'hpa' || ({each_component(each_metric('m.type == ' + repr('Resource')))})",
        message="the HorizontalPodAutoscaler takes only metrics of type Resource",
        remedy=f"annotate {AUTOSCALER}: keda",
        holds=hpa_can,
        in_crd=False,
    ),
    # I14
    Rule(
        id="keda_metrics",
        on=InferenceService,
        cel=(
            f"{CLASS} != 'keda' || ("
            + each_component(
                "(!has({0}.scaleMetric) && "
                + each_metric(
                    "!has(m.resource) || (has(m.resource.target.type) && (m.resource.target.type == 'Utilization' || "
                    "(m.resource.name == 'memory' && m.resource.target.type == 'AverageValue')))"
                )
                + ")"
            )
            + ")"
        ),
        message="KEDA takes metrics only from autoScaling: cpu as Utilization, memory also as AverageValue",
        remedy="remove scaleMetric and correct autoScaling.metrics",
        holds=keda_can,
        in_crd=False,
    ),
    Rule(
        id="metric_source",
        on=Metric,
        cel=" && ".join(f"has(self.{name}) == (self.type == '{kind}')" for kind, name in SOURCES.items()),
        message="the source that type speaks of must be there, and no other",
        remedy="write `resource` for Resource, `external` for External",
        holds=source_given,
    ),
    Rule(
        id="metric_target",
        on=MetricTarget,
        cel=(
            "!has(self.type) || self.type == 'Utilization' ? has(self.averageUtilization) : "
            "self.type == 'AverageValue' ? has(self.averageValue) : has(self.value)"
        ),
        message="the value that type speaks of must be there",
        remedy="write averageUtilization, averageValue or value",
        holds=target_given,
    ),
    Rule(
        id="podmetric_unsupported",
        on=Metric,
        cel="!has(self.podmetric)",
        message="metrics of type PodMetric are not supported: nothing here runs a collector beside every pod",
        remedy="let Prometheus read the pods and write an External metric",
        holds=lambda metric: metric.podmetric is None,
        field=".podmetric",
    ),
    Rule(
        id="metric_query",
        on=ExternalSource,
        cel="has(self.query) && size(self.query) > 0",
        message="the metric needs a query",
        remedy="write the query that yields one number",
        holds=lambda given: bool(given.query),
        field=".query",
    ),
)
