"""TrainedModel v1alpha1: one of several models inside the server of an InferenceService."""

from typing import Literal

from pydantic import Field

from kserve_lite.api.container import Quantity
from kserve_lite.api.definition import Definition, Resource, Status
from kserve_lite.api.marks import Column, Kind, keyed
from kserve_lite.api.status import Address, Condition


class ModelSpec(Definition):
    """The model."""

    storage_uri: str = Field(min_length=1, max_length=2048, description="Where the model files are.")
    framework: str = Field(min_length=1, max_length=64, description="Such as sklearn.")
    memory: Quantity = Field(description="Memory that it takes, such as 1Gi; fixed once set.")


class TrainedModelSpec(Definition):
    """What is wanted."""

    inference_service: str = Field(
        min_length=1, max_length=63, description="The InferenceService that serves it."
    )
    model: ModelSpec = Field(description="The model.")


class TrainedModelStatus(Status):
    """What the controller reports."""

    observed_generation: int | None = Field(None, description="Generation of the spec that this is about.")
    conditions: list[Condition] | None = Field(None, json_schema_extra=keyed("type"), description="Aspects.")
    url: str | None = Field(None, description="Where it answers; left out where nothing would.")
    address: Address | None = Field(None, description="Where it answers inside the cluster.")
    annotations: dict[str, str] | None = Field(None, description="Notes of the controller.")


class TrainedModel(Resource):
    """One of several models inside the server of an InferenceService."""

    api_version: Literal["serving.kserve.io/v1alpha1"]
    kind: Literal["TrainedModel"]
    spec: TrainedModelSpec = Field(description="What is wanted.")
    status: TrainedModelStatus | None = Field(None, description="What the controller reports.")


KIND = Kind(
    model=TrainedModel,
    version="v1alpha1",
    plural="trainedmodels",
    short_names=("tm",),
    status=True,
    columns=(
        Column("URL", ".status.url"),
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Reason", ".status.conditions[?(@.type=='Ready')].reason", priority=1),
    ),
)
