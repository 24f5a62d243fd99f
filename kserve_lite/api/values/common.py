"""Values that several charts have."""

from typing import Literal

from pydantic import ConfigDict, Field

from kserve_lite.api.definition import Definition

Labels = dict[str, str]


class Global(Definition):
    """Shared by a parent chart with all charts below it; what other charts read in it is theirs."""

    model_config = ConfigDict(extra="allow")

    image_registry: str = Field(
        "", max_length=253, description="Registry of every image, instead of its own."
    )
    image_pull_secrets: list[str] = Field(
        [], max_length=16, description="Names of Secrets to pull images with."
    )
    common_labels: Labels = Field({}, description="Labels of every object.")


class ImageName(Definition):
    """An image by its parts."""

    registry: str = Field("ghcr.io", max_length=253, description="Registry.")
    repository: str = Field(max_length=253, description="Repository in the registry.")
    tag: str = Field("", max_length=128, description="Tag; the chart's appVersion when empty.")
    digest: str = Field("", pattern="^(sha256:[a-f0-9]{64})?$", description="Digest; goes before the tag.")


class Image(ImageName):
    """An image that a template puts into a pod."""

    pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        "IfNotPresent", description="When it is pulled."
    )


class Names(Definition):
    """How the objects of a release are called."""

    name_override: str = Field("", max_length=40, description="Name instead of the chart's.")
    fullname_override: str = Field("", max_length=50, description="Name instead of release and chart.")
    namespace_override: str = Field("", max_length=63, description="Namespace instead of the release's.")
