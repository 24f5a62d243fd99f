"""What a predictor serves: a model of some format, from some place, with its container."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from kserve_lite.api.container import ContainerFields, LiteContainerFields, SmallContainerFields
from kserve_lite.api.definition import Definition

URI = r"^([a-zA-Z][a-zA-Z0-9+.-]*://.+|models:/.+|\.{0,2}/.*)$"
"""A scheme (MLflow writes its own with one slash), or a path of this machine or image that begins with /, ./ or ../.

`bucket/model` is neither.
"""


class ModelFormat(Definition):
    """The format of the model files."""

    name: str = Field(min_length=1, max_length=64, description="Such as sklearn.")
    version: str | None = Field(None, max_length=32, description="Major version of the format, such as 1.")


class Storage(Definition):
    """A model in a store whose credentials are entries of the storage secret."""

    key: str | None = Field(None, max_length=253, description="Entry of the storage secret.")
    path: str | None = Field(None, max_length=2048, description="Path in the store.")
    parameters: dict[str, str] | None = Field(
        None, max_length=64, description="Overrides of the entry, such as bucket or type."
    )


class Confidential(Definition):
    """An encrypted model."""

    enabled: bool = Field(description="Refused when true: nothing here decrypts models.")
    resource_id: str | None = Field(
        None,
        max_length=512,
        pattern="^kbs:///[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$",
        description="Key.",
    )


class Source(Definition):
    """Where a model comes from and how it answers."""

    storage_uri: str | None = Field(
        None, max_length=2048, pattern=URI, description="Where the model files are."
    )
    storage: Storage | None = Field(None, description="A store by its secret entry, instead of storageUri.")
    runtime_version: str | None = Field(
        None, max_length=128, description="Image tag instead of the runtime's own."
    )
    protocol_version: Literal["v1", "v2", "grpc-v1", "grpc-v2"] | None = Field(None, description="Protocol.")


class Model(ContainerFields, Source):
    """A model by its format; the runtime is found by it."""

    model_format: ModelFormat = Field(description="Format of the model files.")
    confidential: Confidential | None = Field(None, description="Refused when enabled.")
    runtime: str | None = Field(
        None, max_length=253, description="ServingRuntime by name; found by format if left out."
    )


def terse(schema: dict[str, Any]) -> None:
    """Drop the descriptions that stand under `model` as well: ten copies of them would be in the CRD."""
    schema.pop("description", None)
    for field in schema["properties"].values():
        field.pop("description", None)


class FrameworkStorage(Storage):
    """A model in a store, under a framework's own key."""

    model_config = ConfigDict(json_schema_extra=terse)


class Framework(LiteContainerFields, Source):
    """A model under its framework's own key, as KServe's first API had it; read as `model` with that format."""

    model_config = ConfigDict(json_schema_extra=terse)

    storage: FrameworkStorage | None = Field(
        None, description="A store by its secret entry, instead of storageUri."
    )


class Explanation(SmallContainerFields, Source):
    """A built-in explainer."""

    type: str = Field(min_length=1, max_length=64, description="Kind of the explainer, such as SquareAttack.")
    config: dict[str, str] | None = Field(None, description="Settings of the explainer.")


FRAMEWORKS = (
    "sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml", "lightgbm",
    "paddle",
)  # fmt: skip
"""The legacy keys of a predictor, each the name of a model format."""
