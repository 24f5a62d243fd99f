"""Values of one built-in runtime; the generator makes `runtimes` of them, one a runtime of the catalogue."""

from typing import Annotated, Any

from pydantic import Field

from kserve_lite.api.container import Resources, Tolerations
from kserve_lite.api.definition import Definition
from kserve_lite.api.kubernetes import Shape
from kserve_lite.api.values.common import Image, Labels

Env = Annotated[list[dict[str, Any]], Shape("Container", "env")]


class RuntimeValues(Definition):
    """What a release may say of a built-in runtime."""

    enabled: bool = Field(True, description="Whether it is installed.")
    image: Image = Field(description="Its image.")
    resources: Resources = Field(
        {}, description="Of its container, unless a service says; config.pods.resources when empty."
    )
    extra_args: list[str] = Field([], max_length=64, description="More arguments of the server.")
    extra_env: Env = Field([], description="More environment of the server.")
    node_selector: Labels = Field({}, description="Of the pods.")
    tolerations: Tolerations = Field([], description="Of the pods.")
