"""Values of the chart that holds everything: controller, runtimes and models."""

from typing import Any

from pydantic import Field

from kserve_lite.api.config import Config
from kserve_lite.api.container import Resources
from kserve_lite.api.definition import Definition
from kserve_lite.api.values.common import Global, ImageName, Names
from kserve_lite.api.values.controller import Controller, Metrics, Rbac, ServiceAccount
from kserve_lite.api.values.models import Models


class StorageInitializerImage(ImageName):
    """The image of the init container that fetches models."""

    repository: str = Field(
        "kserve-lite/storage-initializer", max_length=253, description="Repository in the registry."
    )


class RouterImage(ImageName):
    """The image of the graph router."""

    repository: str = Field("kserve-lite/router", max_length=253, description="Repository in the registry.")


class Images(Definition):
    """Images that the controller puts into pods; what config says of an image goes before."""

    storage_initializer: StorageInitializerImage = Field(
        StorageInitializerImage(), description="The init container that fetches models."
    )
    router: RouterImage = Field(RouterImage(), description="The router of InferenceGraphs.")


class CrdUpgrade(Definition):
    """How `helm upgrade` brings the CRDs along; Helm itself only installs them."""

    enabled: bool = Field(
        True,
        description="Whether a hook applies the CRDs; cluster scope only, and false where Argo CD does it.",
    )
    force_conflicts: bool = Field(True, description="Whether fields that another tool wrote are taken over.")
    take_over: bool = Field(
        False, description="Whether CRDs that are not kserve-lite's, such as KServe's own, are replaced."
    )
    deadline_seconds: int = Field(180, ge=10, le=3600, description="Until the hook is given up.")
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
    timeout_seconds: int = Field(
        300, ge=1, le=3600, description="Until a model must have answered, after which the test fails."
    )


class MainChart(Models, Names):
    """Values of the main chart, but for `runtimes`, which the generator adds from the catalogue."""

    global_: Global = Field(Global(), alias="global", description="Shared with a parent chart.")
    controller: Controller = Field(Controller(), description="The controller's Deployment.")
    rbac: Rbac = Field(Rbac(), description="The controller's rights.")
    service_account: ServiceAccount = Field(ServiceAccount(), description="Who the controller is.")
    config: Config = Field(Config(), description="Settings of the controller.")
    images: Images = Field(Images(), description="Images that the controller puts into pods.")
    crds: Crds = Field(Crds(), description="The CRDs.")
    metrics: Metrics = Field(Metrics(), description="How the controller and the models are watched.")
    tests: Tests = Field(Tests(), description="What `helm test` does.")
    extra_objects: list[dict[str, Any] | str] = Field(
        [],
        max_length=100,
        description="More objects, as mappings or as text; both are rendered as templates.",
    )
