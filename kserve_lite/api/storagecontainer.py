"""ClusterStorageContainer v1alpha1: the container that fetches the models of some URIs."""

from typing import Annotated, Any, Literal

from pydantic import Field

from kserve_lite.api.definition import Definition, Resource
from kserve_lite.api.kubernetes import Shape
from kserve_lite.api.marks import ATOMIC, DEFAULTED, Kind


class UriFormat(Definition):
    """The URIs that a container can fetch: by prefix or by regular expression."""

    prefix: str | None = Field(None, max_length=256, description="Such as s3://.")
    regex: str | None = Field(None, max_length=256, description="Matched from the start of the URI.")


class StorageContainerSpec(Definition):
    """The container, and what it fetches."""

    container: Annotated[dict[str, Any], Shape("Container")] = Field(
        description="Run with pairs of URI and path."
    )
    supported_uri_formats: list[UriFormat] = Field(
        min_length=1, max_length=32, json_schema_extra=ATOMIC, description="The URIs that it can fetch."
    )
    workload_type: Literal["initContainer", "localModelDownloadJob"] = Field(
        "initContainer",
        json_schema_extra=DEFAULTED,
        description="Where it runs: beside a model, or ahead of it.",
    )
    supports_multi_model_download: bool = Field(
        False, json_schema_extra=DEFAULTED, description="Whether it takes more than one pair of URI and path."
    )


class ClusterStorageContainer(Resource):
    """The container that fetches the models of some URIs."""

    api_version: Literal["serving.kserve.io/v1alpha1"]
    kind: Literal["ClusterStorageContainer"]
    spec: StorageContainerSpec = Field(description="The container, and what it fetches.")
    disabled: bool | None = Field(None, description="True takes it out of every choice.")


KIND = Kind(
    model=ClusterStorageContainer, version="v1alpha1", plural="clusterstoragecontainers", scope="Cluster"
)
