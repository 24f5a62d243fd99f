"""ServingRuntime and ClusterServingRuntime v1alpha1: a server, and the model formats that it serves."""

from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from kserve_lite.api.container import written
from kserve_lite.api.definition import Bare, Definition, Resource
from kserve_lite.api.kubernetes import inlined
from kserve_lite.api.marks import ATOMIC, Column, Kind

POD = (
    "containers", "volumes", "nodeSelector", "affinity", "tolerations", "imagePullSecrets", "hostIPC", "schedulerName",
    "resourceClaims",
)  # fmt: skip
"""What a runtime says about the pod."""

_Pod: Any = create_model("RuntimePodFields", __base__=Definition, **inlined("PodSpec", only=POD))


class SupportedFormat(Definition):
    """A model format that a runtime serves."""

    name: str = Field(min_length=1, max_length=64, description="Such as sklearn.")
    version: str | None = Field(None, max_length=32, description="Exact version, such as 1.")
    auto_select: bool | None = Field(None, description="Whether a model may find the runtime by this format.")
    priority: int | None = Field(None, ge=1, description="The larger is preferred among runtimes that fit.")


class ServingRuntimeSpec(_Pod):
    """The server's pod, and what it serves."""

    supported_model_formats: list[SupportedFormat] | None = Field(
        None, max_length=64, json_schema_extra=ATOMIC, description="Formats that it serves."
    )
    protocol_versions: list[str] | None = Field(
        None,
        max_length=16,
        json_schema_extra=ATOMIC,
        description="Protocols that it speaks; all when left out.",
    )
    disabled: bool | None = Field(None, description="True takes it out of every choice.")
    multi_model: bool | None = Field(None, description="Whether one server holds several models.")
    labels: dict[str, str] | None = Field(None, description="Labels of the pods.")
    annotations: dict[str, str] | None = Field(None, description="Annotations of the pods.")
    worker_spec: Annotated[dict[str, Any], Bare("object")] | None = Field(
        None, description="Refused: several nodes."
    )
    grpc_endpoint: str | None = Field(None, description="Refused: ModelMesh only.")
    grpc_data_endpoint: str | None = Field(None, description="Refused: ModelMesh only.")
    http_data_endpoint: str | None = Field(None, description="Refused: ModelMesh only.")
    replicas: int | None = Field(None, description="Refused: ModelMesh only.")
    storage_helper: Annotated[dict[str, Any], Bare("object")] | None = Field(
        None, description="Refused: ModelMesh only."
    )
    built_in_adapter: Annotated[dict[str, Any], Bare("object")] | None = Field(
        None, description="Refused: ModelMesh only."
    )

    @property
    def pod(self) -> dict[str, Any]:
        """The PodSpec fields that were written, under Kubernetes' names."""
        return written(self, _Pod)


class ServingRuntime(Resource):
    """A server for the models of one namespace."""

    api_version: Literal["serving.kserve.io/v1alpha1"]
    kind: Literal["ServingRuntime"]
    spec: ServingRuntimeSpec = Field(description="The server, and what it serves.")


class ClusterServingRuntime(Resource):
    """A server for the models of every namespace."""

    api_version: Literal["serving.kserve.io/v1alpha1"]
    kind: Literal["ClusterServingRuntime"]
    spec: ServingRuntimeSpec = Field(description="The server, and what it serves.")


COLUMNS = (
    Column("Disabled", ".spec.disabled", "boolean"),
    Column("ModelType", ".spec.supportedModelFormats[*].name"),
    Column("Containers", ".spec.containers[*].name"),
    Column("Age", ".metadata.creationTimestamp", "date"),
)
NAMESPACED = Kind(model=ServingRuntime, version="v1alpha1", plural="servingruntimes", columns=COLUMNS)
CLUSTER = Kind(
    model=ClusterServingRuntime,
    version="v1alpha1",
    plural="clusterservingruntimes",
    scope="Cluster",
    columns=COLUMNS,
)
