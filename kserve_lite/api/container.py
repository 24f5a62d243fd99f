"""Containers and pods inside our definitions: Kubernetes' fields inlined beside KServe's own."""

from typing import Annotated, Any

from pydantic import create_model

from kserve_lite.api.definition import Definition, names_of
from kserve_lite.api.kubernetes import Shape, inlined

Containers = Annotated[list[dict[str, Any]], Shape("PodSpec", "containers")]
Tolerations = Annotated[list[dict[str, Any]], Shape("PodSpec", "tolerations")]
Affinity = Annotated[dict[str, Any], Shape("Affinity")]
Resources = Annotated[dict[str, Any], Shape("ResourceRequirements")]
Strategy = Annotated[dict[str, Any], Shape("DeploymentStrategy")]
Quantity = Annotated[int | str, Shape("Quantity")]

LITE = (
    "image", "imagePullPolicy", "command", "args", "workingDir", "env", "envFrom", "ports", "resources",
    "volumeMounts", "securityContext",
)  # fmt: skip
"""What a legacy framework key takes of a container: ten full copies would not fit into kubectl apply's annotation."""

SMALL = ("image", "imagePullPolicy", "command", "args", "env", "resources")
"""What a built-in explainer takes of a container."""

# The fields are known only when the pinned definitions are read, so a type checker sees these three bases as `Any`;
# `pod` and `container` give typed access.
_Pod: Any = create_model(
    "PodFields",
    __base__=Definition,
    **inlined("PodSpec", omit=("ephemeralContainers", "activeDeadlineSeconds")),
)
_Container: Any = create_model("ContainerFields", __base__=Definition, **inlined("Container", omit=("name",)))
_Lite: Any = create_model("LiteContainerFields", __base__=Definition, **inlined("Container", only=LITE))


_Small: Any = create_model("SmallContainerFields", __base__=Definition, **inlined("Container", only=SMALL))


class PodFields(_Pod):
    """A component's pod: every PodSpec field may stand beside the component's own."""

    @property
    def pod(self) -> dict[str, Any]:
        """The PodSpec fields that were written, under Kubernetes' names."""
        return written(self, _Pod)


class WithEnvironment(Definition):
    """A definition with the environment of one container among its fields."""


class ContainerFields(_Container, WithEnvironment):
    """A model's container: every Container field but the name, which is always `kserve-container`."""

    @property
    def container(self) -> dict[str, Any]:
        """The Container fields that were written, under Kubernetes' names."""
        return written(self, _Container)


class LiteContainerFields(_Lite, WithEnvironment):
    """A legacy framework's container: the fields that manifests in the wild use."""

    @property
    def container(self) -> dict[str, Any]:
        """The Container fields that were written, under Kubernetes' names."""
        return written(self, _Lite)


class SmallContainerFields(_Small, WithEnvironment):
    """A built-in explainer's container."""

    @property
    def container(self) -> dict[str, Any]:
        """The Container fields that were written, under Kubernetes' names."""
        return written(self, _Small)


def written(model: Definition, base: type[Definition]) -> dict[str, Any]:
    """Return the fields of `base` that `model` was given, under their YAML names."""
    given = model.model_fields_set
    return {alias: getattr(model, name) for name, alias in names_of(base) if name in given}
