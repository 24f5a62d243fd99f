"""The `models:` map: one entry an InferenceService, in shorthand and with the whole spec behind it."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from kserve_lite.api.container import Resources
from kserve_lite.api.definition import Definition
from kserve_lite.api.inferenceservice import Explainer, Predictor, Transformer
from kserve_lite.api.kubernetes import Shape
from kserve_lite.api.model import Model, ModelFormat
from kserve_lite.api.values.common import Global, Labels

ModelName = Annotated[str, StringConstraints(pattern="^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$")]
Env = Annotated[list[dict[str, Any]], Shape("Container", "env")]


class ScaleTarget(Definition):
    """What the autoscaler aims at."""

    metric: Literal["cpu", "memory"] = Field("cpu", description="Metric.")
    value: int = Field(80, ge=1, description="Percent of the requested resource.")


class Replicas(Definition):
    """How many pods."""

    min: int | None = Field(None, ge=0, description="Fewest.")
    max: int | None = Field(None, ge=0, description="Most; no autoscaling when left out.")
    target: ScaleTarget | None = Field(None, description="What the autoscaler aims at.")


class Step(Definition):
    """A transformer or explainer of your own, in shorthand."""

    image: str = Field(min_length=1, max_length=512, description="Image.")
    args: list[str] | None = Field(None, description="Arguments.")
    env: Env | None = Field(None, description="Environment.")
    resources: Resources | None = Field(None, description="Resources.")
    replicas: Replicas | None = Field(None, description="How many pods.")


class ModelOverlay(Model):
    """Part of a model; the rest comes from the shorthand."""

    model_format: ModelFormat | None = Field(None, description="Format of the model files.")  # type: ignore[assignment]


class PredictorOverlay(Predictor):
    """Part of a predictor; the rest comes from the shorthand."""

    model: ModelOverlay | None = Field(None, description="A model by its format.")


class SpecOverlay(Definition):
    """Part of an InferenceService's spec, merged over the shorthand."""

    predictor: PredictorOverlay | None = Field(None, description="Serves the model.")
    transformer: Transformer | None = Field(None, description="Changes requests and answers.")
    explainer: Explainer | None = Field(None, description="Explains answers.")


class ModelDefaults(Definition):
    """What every model has unless its own entry says otherwise."""

    format: str | None = Field(
        None, min_length=1, max_length=64, description="Model format; sklearn when left out."
    )
    protocol: Literal["v1", "v2", "grpc-v1", "grpc-v2"] | None = Field(None, description="Protocol version.")
    runtime: str | None = Field(
        None, max_length=253, description="ServingRuntime by name; found by format if left out."
    )
    replicas: Replicas | None = Field(None, description="How many pods.")
    resources: Resources | None = Field(None, description="Resources of the model's container.")
    service_account_name: str | None = Field(None, max_length=253, description="ServiceAccount of the pods.")
    env: Env | None = Field(None, description="Environment of the model's container.")
    labels: Labels | None = Field(None, description="Labels of the InferenceService.")
    annotations: Labels | None = Field(None, description="Annotations of the InferenceService.")
    namespace: str | None = Field(None, max_length=63, description="Namespace; the release's when left out.")
    keep: bool | None = Field(
        None, description="Whether `helm uninstall`, or taking the model away, leaves the InferenceService."
    )


class ModelValues(ModelDefaults):
    """One model."""

    enabled: bool = Field(True, description="False removes the InferenceService.")
    storage_uri: str | None = Field(
        None, min_length=1, max_length=2048, description="Where the model files are."
    )
    transformer: Step | None = Field(None, description="Changes requests and answers.")
    explainer: Step | None = Field(None, description="Explains answers.")
    spec: SpecOverlay | None = Field(
        None, description="Any part of the InferenceService's spec; goes before all else."
    )


EXAMPLE = {
    "iris": {
        "storageUri": "gs://bucket/iris",
        "replicas": {"min": 1, "max": 3, "target": {"metric": "cpu", "value": 80}},
    }
}


class Models(Definition):
    """The models of a release."""

    models: dict[ModelName, ModelValues | None] = Field(
        {}, description="Models by name: each becomes an InferenceService.", examples=[EXAMPLE]
    )
    model_defaults: ModelDefaults = Field(
        ModelDefaults(), description="What every model has unless it says otherwise."
    )


class ModelsChart(Models):
    """Values of the chart that holds models and nothing else."""

    global_: Global = Field(Global(), alias="global", description="Shared with a parent chart.")
