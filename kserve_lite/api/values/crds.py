"""Values of the chart that holds the CRDs and nothing else."""

from pydantic import Field

from kserve_lite.api.definition import Definition
from kserve_lite.api.values.common import Global, Labels


class Enabled(Definition):
    """Which CRDs are installed."""

    inference_services: bool = Field(True, description="InferenceService.")
    serving_runtimes: bool = Field(True, description="ServingRuntime.")
    cluster_serving_runtimes: bool = Field(True, description="ClusterServingRuntime.")
    inference_graphs: bool = Field(True, description="InferenceGraph.")
    trained_models: bool = Field(True, description="TrainedModel.")
    cluster_storage_containers: bool = Field(True, description="ClusterStorageContainer.")


class CrdsChart(Definition):
    """Values of the chart that holds the CRDs."""

    global_: Global = Field(Global(), alias="global", description="Shared with a parent chart.")
    enabled: Enabled = Field(Enabled(), description="Which CRDs are installed.")
    keep: bool = Field(True, description="Whether CRDs, and with them all models, outlive `helm uninstall`.")
    labels: Labels = Field({}, description="Labels of every CRD.")
    annotations: Labels = Field({}, description="Annotations of every CRD.")
