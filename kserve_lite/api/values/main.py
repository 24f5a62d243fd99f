"""Values of the chart that holds everything: controller, runtimes and models."""

from typing import Any

from pydantic import Field

from kserve_lite.api.config import Config
from kserve_lite.api.container import Resources
from kserve_lite.api.definition import Definition
from kserve_lite.api.values.common import Global, Image, Names
from kserve_lite.api.values.controller import Controller, Metrics, Rbac, ServiceAccount
from kserve_lite.api.values.models import Models


class SklearnImage(Image):
    """Our own server's image."""

    repository: str = Field(
        "kserve-lite/sklearnserver", max_length=253, description="Repository in the registry."
    )


class SklearnRuntime(Definition):
    """The ClusterServingRuntime of our own server."""

    enabled: bool = Field(True, description="Whether it is installed.")
    image: SklearnImage = Field(SklearnImage(), description="Its image.")
    resources: Resources = Field(
        {"requests": {"cpu": "100m", "memory": "256Mi"}},
        description="Of its container, unless a service says.",
    )


class Runtimes(Definition):
    """The ClusterServingRuntimes of the chart."""

    sklearn: SklearnRuntime = Field(SklearnRuntime(), description="kserve-sklearnserver, our own server.")


class CrdUpgrade(Definition):
    """How `helm upgrade` brings the CRDs along; Helm itself only installs them."""

    enabled: bool = Field(True, description="Whether a hook applies the CRDs; false where Argo CD does it.")
    force_conflicts: bool = Field(True, description="Whether fields that another tool wrote are taken over.")
    resources: Resources = Field(
        {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        description="Of the hook.",
    )


class Crds(Definition):
    """The CRDs."""

    upgrade: CrdUpgrade = Field(CrdUpgrade(), description="How `helm upgrade` brings the CRDs along.")


class Tests(Definition):
    """What `helm test` does."""

    enabled: bool = Field(True, description="Whether `helm test` asks every model.")


class MainChart(Models, Names):
    """Values of the main chart."""

    global_: Global = Field(Global(), alias="global", description="Shared with a parent chart.")
    controller: Controller = Field(Controller(), description="The controller's Deployment.")
    rbac: Rbac = Field(Rbac(), description="The controller's rights.")
    service_account: ServiceAccount = Field(ServiceAccount(), description="Who the controller is.")
    config: Config = Field(Config(), description="Settings of the controller.")
    runtimes: Runtimes = Field(Runtimes(), description="The ClusterServingRuntimes of the chart.")
    crds: Crds = Field(Crds(), description="The CRDs.")
    metrics: Metrics = Field(Metrics(), description="How the controller and the models are watched.")
    tests: Tests = Field(Tests(), description="What `helm test` does.")
    extra_objects: list[dict[str, Any] | str] = Field(
        [],
        max_length=100,
        description="More objects, as mappings or as text; both are rendered as templates.",
    )
