"""The kinds that the controller reads or writes beside its own."""

from __future__ import annotations

from kserve_lite.api.kinds import KINDS
from kserve_lite.controller.runtime.kube import Kind

CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
SERVICE = Kind("", "v1", "Service", "services")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")
POD = Kind("", "v1", "Pod", "pods")
CORE_EVENT = Kind("", "v1", "Event", "events")
DISRUPTION_BUDGET = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
AUTOSCALER = Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
SCALED_OBJECT = Kind("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects")
INGRESS = Kind("networking.k8s.io", "v1", "Ingress", "ingresses")
HTTP_ROUTE = Kind("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes")
VIRTUAL_SERVICE = Kind("networking.istio.io", "v1", "VirtualService", "virtualservices")

OWN: dict[str, Kind] = {
    kind.name: Kind(kind.group, kind.version, kind.name, kind.plural, kind.scope != "Cluster")
    for kind in KINDS
}
"""Our own kinds, by name."""

INFERENCE_SERVICE = OWN["InferenceService"]
INFERENCE_GRAPH = OWN["InferenceGraph"]
TRAINED_MODEL = OWN["TrainedModel"]
SERVING_RUNTIME = OWN["ServingRuntime"]
CLUSTER_SERVING_RUNTIME = OWN["ClusterServingRuntime"]
CLUSTER_STORAGE_CONTAINER = OWN["ClusterStorageContainer"]
