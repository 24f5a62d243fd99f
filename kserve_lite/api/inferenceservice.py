"""InferenceService v1beta1: a model that answers, with what stands before and beside it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from kserve_lite.api.component import Component
from kserve_lite.api.container import PodFields
from kserve_lite.api.definition import Bare, Definition, Resource, Status
from kserve_lite.api.marks import ATOMIC, Column, Kind, keyed
from kserve_lite.api.model import FRAMEWORKS, Explanation, Framework, Model
from kserve_lite.api.status import Address, Condition


class ComponentPod(PodFields, Component):
    """A component: its pod, and how it scales, logs and rolls out."""


class Predictor(ComponentPod):
    """Serves the model: `model`, one legacy framework key, or containers of your own."""

    name: str | None = Field(
        None,
        max_length=40,
        pattern="^[a-z]([-a-z0-9]*[a-z0-9])?$",
        description="Part of the Deployment's name.",
    )
    model: Model | None = Field(None, description="A model by its format.")
    sklearn: Framework | None = Field(None, description="Read as model with modelFormat sklearn.")
    xgboost: Framework | None = Field(None, description="Read as model with modelFormat xgboost.")
    tensorflow: Framework | None = Field(None, description="Read as model with modelFormat tensorflow.")
    pytorch: Framework | None = Field(None, description="Read as model with modelFormat pytorch.")
    triton: Framework | None = Field(None, description="Read as model with modelFormat triton.")
    onnx: Framework | None = Field(None, description="Read as model with modelFormat onnx.")
    huggingface: Framework | None = Field(None, description="Read as model with modelFormat huggingface.")
    pmml: Framework | None = Field(None, description="Read as model with modelFormat pmml.")
    lightgbm: Framework | None = Field(None, description="Read as model with modelFormat lightgbm.")
    paddle: Framework | None = Field(None, description="Read as model with modelFormat paddle.")
    storage_container_name: str | None = Field(
        None, max_length=253, description="ClusterStorageContainer by name; found by URI if left out."
    )
    worker_spec: Annotated[dict[str, Any], Bare("object")] | None = Field(
        None, description="Refused: several nodes."
    )

    @property
    def framework(self) -> tuple[str, Framework] | None:
        """The legacy framework key that is set, with what stands under it."""
        for name in FRAMEWORKS:
            if (value := getattr(self, name)) is not None:
                return name, value
        return None


class Transformer(ComponentPod):
    """Changes requests before and answers after the predictor."""


class Explainer(ComponentPod):
    """Explains answers of the predictor."""

    type: Literal["permutation"] | None = Field(None, description="Built-in explanations.")
    config: dict[str, str] | None = Field(None, description="Settings of `type`.")
    art: Explanation | None = Field(None, description="The Adversarial Robustness Toolbox.")


class InferenceServiceSpec(Definition):
    """What is wanted."""

    predictor: Predictor = Field(description="Serves the model.")
    transformer: Transformer | None = Field(None, description="Changes requests and answers.")
    explainer: Explainer | None = Field(None, description="Explains answers.")
    canary: Annotated[list[Any], Bare("array")] | None = Field(
        None, max_length=10, json_schema_extra=ATOMIC, description="Refused: a second version by weight."
    )


class Traffic(Status):
    """Share of a revision; written by KServe with Knative, read for the columns of kubectl get."""

    configuration_name: str | None = Field(None, description="Configuration of the revision.")
    revision_name: str | None = Field(None, description="Name of the revision.")
    latest_revision: bool | None = Field(None, description="Whether it is the newest.")
    percent: int | None = Field(None, description="Share of the requests.")
    tag: str | None = Field(None, description="Name of the share.")
    url: str | None = Field(None, description="URL of this share alone.")


class ComponentStatus(Status):
    """Where one component answers."""

    url: str | None = Field(None, description="URL from outside.")
    rest_url: str | None = Field(None, description="REST URL.")
    grpc_url: str | None = Field(None, description="gRPC address.")
    address: Address | None = Field(None, description="Address inside the cluster.")
    latest_created_revision: str | None = Field(None, description="Newest revision.")
    latest_ready_revision: str | None = Field(None, description="Newest revision that answers.")
    latest_rolledout_revision: str | None = Field(None, description="Newest revision with all requests.")
    previous_rolledout_revision: str | None = Field(None, description="The revision before it.")
    traffic: list[Traffic] | None = Field(None, json_schema_extra=ATOMIC, description="Shares by revision.")


ModelState = Literal["", "Pending", "Standby", "Loading", "Loaded", "FailedToLoad"]


class ModelStates(Status):
    """How far the model is."""

    active_model_state: ModelState = Field(description="State of the model that answers.")
    target_model_state: ModelState | None = Field(None, description="State of the model that shall answer.")


class ModelCopies(Status):
    """How many pods have the model."""

    failed_copies: int = Field(description="Pods in which it failed to load.")
    total_copies: int | None = Field(None, description="Pods in which it is loaded.")


class FailureInfo(Status):
    """Why the last load failed."""

    location: str | None = Field(None, description="Pod and container.")
    reason: str | None = Field(None, description="Stable code of the cause.")
    message: str | None = Field(None, description="Cause and remedy.")
    model_revision_name: str | None = Field(None, description="Revision that failed.")
    time: str | None = Field(None, description="When it failed.")
    exit_code: int | None = Field(None, description="Exit code of the container.")


class ModelStatus(Status):
    """The way of the model into the pods."""

    transition_status: Literal["", "UpToDate", "InProgress", "BlockedByFailedLoad", "InvalidSpec"] = Field(
        description="Whether what answers is what was asked for."
    )
    states: ModelStates | None = Field(None, description="How far the model is.")
    copies: ModelCopies | None = Field(None, description="How many pods have it.")
    last_failure_info: FailureInfo | None = Field(None, description="Why the last load failed.")


class InferenceServiceStatus(Status):
    """What the controller reports."""

    observed_generation: int | None = Field(None, description="Generation of the spec that this is about.")
    conditions: list[Condition] | None = Field(None, json_schema_extra=keyed("type"), description="Aspects.")
    url: str | None = Field(None, description="Where it answers; left out where nothing would.")
    address: Address | None = Field(None, description="Where it answers inside the cluster.")
    components: dict[str, ComponentStatus] | None = Field(None, description="By component.")
    model_status: ModelStatus | None = Field(None, description="The way of the model into the pods.")
    annotations: dict[str, str] | None = Field(None, description="Notes of the controller.")
    deployment_mode: str | None = Field(None, description="Always Standard.")
    serving_runtime_name: str | None = Field(None, description="ServingRuntime in use.")
    cluster_serving_runtime_name: str | None = Field(None, description="ClusterServingRuntime in use.")


class InferenceService(Resource):
    """A model that answers over REST and gRPC."""

    api_version: Literal["serving.kserve.io/v1beta1"]
    kind: Literal["InferenceService"]
    spec: InferenceServiceSpec = Field(description="What is wanted.")
    status: InferenceServiceStatus | None = Field(None, description="What the controller reports.")


KIND = Kind(
    model=InferenceService,
    version="v1beta1",
    plural="inferenceservices",
    short_names=("isvc",),
    status=True,
    columns=(
        Column("URL", ".status.url"),
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        Column("Prev", ".status.components.predictor.traffic[?(@.tag=='prev')].percent", "integer"),
        Column(
            "Latest", ".status.components.predictor.traffic[?(@.latestRevision==true)].percent", "integer"
        ),
        Column(
            "PrevRolledoutRevision", ".status.components.predictor.traffic[?(@.tag=='prev')].revisionName"
        ),
        Column(
            "LatestReadyRevision",
            ".status.components.predictor.traffic[?(@.latestRevision==true)].revisionName",
        ),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Reason", ".status.conditions[?(@.type=='Ready')].reason", priority=1),
    ),
)
