"""What predictor, transformer and explainer have in common: scaling, batching, rollout."""

from typing import Annotated, Any, Literal

from pydantic import Field

from kserve_lite.api.container import Quantity, Strategy
from kserve_lite.api.definition import Bare, Definition
from kserve_lite.api.kubernetes import Shape
from kserve_lite.api.marks import ATOMIC
from kserve_lite.api.model import URI

Labels = dict[str, str]


class MetricTarget(Definition):
    """The value that the autoscaler aims at."""

    type: Literal["Utilization", "Value", "AverageValue"] | None = Field(
        None, description="How the metric is read."
    )
    average_utilization: int | None = Field(
        None, ge=1, le=100, description="Percent of the request, over all pods."
    )
    average_value: Quantity | None = Field(None, description="Value per pod.")
    value: Quantity | None = Field(None, description="Value of the metric as a whole.")


class ResourceMetric(Definition):
    """CPU or memory of the pods."""

    name: Literal["cpu", "memory"] = Field(description="Resource that is measured.")
    target: MetricTarget = Field(description="Value to aim at.")


class ExternalSource(Definition):
    """Where an external metric is read."""

    backend: Literal["prometheus", "graphite"] | None = Field(None, description="Kind of the metrics server.")
    server_address: str | None = Field(None, max_length=2048, description="URL of the metrics server.")
    query: str | None = Field(None, max_length=4096, description="Query that yields one number.")
    namespace: str | None = Field(
        None, max_length=253, description="Namespace for a query that is bound to one."
    )


class SecretReference(Definition):
    """Names the credentials of a metrics server."""

    name: str = Field(min_length=1, max_length=253, description="Name of a KEDA TriggerAuthentication.")


class Authentication(Definition):
    """How KEDA signs in at a metrics server."""

    auth_modes: str | None = Field(None, description="KEDA authModes, such as `bearer`.")
    authentication_ref: SecretReference = Field(description="The TriggerAuthentication.")


class ExternalMetric(Definition):
    """A metric that another system measures."""

    metric: ExternalSource = Field(description="What is measured, and where.")
    target: MetricTarget = Field(description="Value to aim at.")
    authentication_ref: Authentication | None = Field(None, description="Credentials for the metrics server.")


class Metric(Definition):
    """One metric of the autoscaler."""

    type: Literal["Resource", "External", "PodMetric"] = Field(description="Which of the three is set.")
    resource: ResourceMetric | None = Field(None, description="CPU or memory.")
    external: ExternalMetric | None = Field(None, description="Needs autoscalerClass keda.")
    podmetric: Annotated[dict[str, Any], Bare("object")] | None = Field(
        None, alias="podmetric", description="Refused: needs a collector beside every pod."
    )


class AutoScaling(Definition):
    """Scaling beyond one metric and one target."""

    metrics: list[Metric] | None = Field(None, max_length=16, description="Metrics; the largest answer wins.")
    behavior: Annotated[dict[str, Any], Shape("HorizontalPodAutoscalerBehavior")] | None = Field(
        None, description="How fast replicas are added and removed."
    )


class Batcher(Definition):
    """Joins requests that wait at the same moment into one call of the model."""

    max_batch_size: int | None = Field(None, ge=1, description="Most rows in one call.")
    max_latency: int | None = Field(None, ge=0, description="Longest wait for more rows, in milliseconds.")
    timeout: int | None = Field(None, ge=0, description="Seconds after which a waiting request gives up.")


class StorageUri(Definition):
    """One of several places that a component's files come from."""

    uri: str = Field(max_length=2048, pattern=URI, description="Where the files are.")
    mount_path: str | None = Field(
        None, pattern="^/.*", max_length=255, description="Where they appear; /mnt/models when left out."
    )


class Scaled(Definition):
    """How many replicas something has."""

    min_replicas: int | None = Field(None, ge=0, description="Fewest replicas; 1 when left out.")
    max_replicas: int | None = Field(
        None, ge=0, description="Most replicas; 0 or left out means no autoscaling."
    )
    scale_target: int | None = Field(None, ge=1, description="Value of scaleMetric to aim at.")
    scale_metric: Literal["cpu", "memory", "concurrency", "rps"] | None = Field(
        None, description="Metric of the autoscaler; cpu when left out."
    )


class Component(Scaled):
    """The fields of every component beside its pod."""

    scale_metric_type: Literal["Utilization", "Value", "AverageValue"] | None = Field(
        None, description="Only Utilization: scaleTarget is percent of the request."
    )
    auto_scaling: AutoScaling | None = Field(None, description="Several metrics, and how fast to scale.")
    container_concurrency: int | None = Field(
        None, ge=0, description="Most requests that one pod works on at once."
    )
    timeout: int | None = Field(None, ge=0, description="Seconds until a request is given up.")
    canary_traffic_percent: int | None = Field(None, description="Refused: needs revisions.")
    logger: Annotated[dict[str, Any], Bare("object")] | None = Field(
        None, description="Refused: copies of requests."
    )
    batcher: Batcher | None = Field(None, description="Joins waiting requests into one call.")
    labels: Labels | None = Field(
        None, max_length=64, description="Labels of the pods and of what owns them."
    )
    annotations: Labels | None = Field(None, description="Annotations of the pods and of what owns them.")
    deployment_strategy: Strategy | None = Field(None, description="How pods are replaced.")
    storage_uris: list[StorageUri] | None = Field(
        None,
        min_length=1,
        max_length=32,
        json_schema_extra=ATOMIC,
        description="Several sources instead of storageUri.",
    )
