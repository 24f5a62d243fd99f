"""Rules about names and annotations."""

from kserve_lite.api.definition import Resource
from kserve_lite.api.inferencegraph import InferenceGraph
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.marks import Rule
from kserve_lite.api.rules.match import matches
from kserve_lite.api.trainedmodel import TrainedModel

GROUP = "serving.kserve.io/"
DNS_LABEL = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"
MODEL_NAME = "^[a-zA-Z0-9_-]+$"
LONGEST = 63 - len("-transformer")

KNOWN_ANNOTATIONS = {
    f"{GROUP}{name}"
    for name in (
        "autoscalerClass", "deploymentMode", "stop", "storageSecretName", "secretName", "s3-endpoint", "s3-usehttps",
        "s3-verifyssl", "s3-region", "s3-useanoncredential", "s3-usevirtualbucket", "s3-useaccelerate", "s3-cabundle",
        "s3-cabundle-configmap", "network",
    )
} | {"storage.kserve.io/readonly", "prometheus.kserve.io/port", "prometheus.kserve.io/path"}  # fmt: skip
"""Annotations of KServe's that mean the same here, and ours."""

REFUSED_ANNOTATIONS = {
    f"{GROUP}disable-auto-update": "remove it: a changed runtime never restarts a service here",
    f"{GROUP}enable-tag-routing": "remove it: there are no Knative revisions here",
    f"{GROUP}enable-metric-aggregation": "remove it: the server has one metrics endpoint",
    f"{GROUP}enable-prometheus-scraping": "remove it and enable metrics.podMonitor in the chart",
    f"{GROUP}gpu-resource-types": "remove it: GPU resources are taken as they are written",
    f"{GROUP}gke-accelerator": "remove it and use nodeSelector",
    f"{GROUP}storage-initializer-uid": "remove it and set securityContext.runAsUser",
    f"{GROUP}nodegroup": "remove it: there is no local model cache here",
    f"{GROUP}disable-localmodel": "remove it: there is no local model cache here",
}
"""Annotations of KServe's that mean nothing here, and what to do instead."""

AUTOSCALER = f"{GROUP}autoscalerClass"
MODE = f"{GROUP}deploymentMode"
NETWORK = f"{GROUP}network"
CLASSES = ("hpa", "keda", "external", "none")
MODES = ("Standard", "RawDeployment")
NETWORKS = ("none", "ingress", "gateway", "istio")


def absent_or_one_of(annotation: str, values: tuple[str, ...]) -> str:
    """CEL: the annotation is left out or has one of the values."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return (
        f"!has(self.metadata.annotations) || !('{annotation}' in self.metadata.annotations) || "
        f"self.metadata.annotations['{annotation}'] in [{allowed}]"
    )


def refused_annotation(annotation: str, remedy: str) -> Rule:
    """Return the rule that an annotation of KServe's is not there."""
    return Rule(
        id="unsupported_annotation",
        on=InferenceService,
        cel=f"!has(self.metadata.annotations) || !('{annotation}' in self.metadata.annotations)",
        message=f"{annotation} means nothing here",
        remedy=remedy,
        holds=lambda service: annotation not in service.annotations,
        field=f".metadata.annotations[{annotation}]",
        in_crd=False,
    )


RULES = (
    Rule(
        id="object_name",
        on=Resource,
        cel=f"self.metadata.name.matches('{DNS_SUBDOMAIN}') && size(self.metadata.name) <= 253",
        message="the name must be lower-case letters, digits, - and ., at most 253 of them",
        remedy="rename the object",
        holds=lambda resource: matches(DNS_SUBDOMAIN, resource.name) and len(resource.name) <= 253,
        field=".metadata.name",
        in_crd=False,
    ),
    # I1; KServe sets no length, and its children's names then do not fit.
    Rule(
        id="service_name",
        on=InferenceService,
        cel=f"self.metadata.name.matches('{DNS_LABEL}') && size(self.metadata.name) <= {LONGEST}",
        message=f"the name must begin with a letter and be at most {LONGEST} lower-case letters, digits and -",
        remedy="rename the object: it becomes a host name, and its children's names are longer",
        holds=lambda service: matches(DNS_LABEL, service.name) and len(service.name) <= LONGEST,
        field=".metadata.name",
    ),
    Rule(
        id="predictor_name",
        on=InferenceService,
        cel=(
            "!has(self.spec.predictor.name) || "
            f"size(self.metadata.name) + size(self.spec.predictor.name) <= {63 - len('--predictor')}"
        ),
        message="metadata.name and predictor.name together are too long for the name of a Service",
        remedy=f"keep both together at {63 - len('--predictor')} characters or fewer",
        holds=lambda service: (
            not service.spec.predictor.name
            or len(service.name) + len(service.spec.predictor.name) <= 63 - len("--predictor")
        ),
        field=".spec.predictor.name",
    ),
    # I2
    Rule(
        id="autoscaler_class",
        on=InferenceService,
        cel=absent_or_one_of(AUTOSCALER, CLASSES),
        message=f"{AUTOSCALER} must be hpa, keda, external or none",
        remedy="correct the annotation",
        holds=lambda service: service.annotations.get(AUTOSCALER, CLASSES[0]) in CLASSES,
        field=f".metadata.annotations[{AUTOSCALER}]",
        in_crd=False,
    ),
    # I15, I16
    Rule(
        id="deployment_mode",
        on=InferenceService,
        cel=absent_or_one_of(MODE, MODES),
        message=f"{MODE} must be Standard (or RawDeployment, its old name)",
        remedy="remove the annotation: there is one mode here, without Knative and ModelMesh",
        holds=lambda service: service.annotations.get(MODE, MODES[0]) in MODES,
        field=f".metadata.annotations[{MODE}]",
        in_crd=False,
    ),
    Rule(
        id="network",
        on=InferenceService,
        cel=absent_or_one_of(NETWORK, NETWORKS),
        message=f"{NETWORK} must be none, ingress, gateway or istio",
        remedy="correct the annotation",
        holds=lambda service: service.annotations.get(NETWORK, NETWORKS[0]) in NETWORKS,
        field=f".metadata.annotations[{NETWORK}]",
        in_crd=False,
    ),
    *(refused_annotation(annotation, remedy) for annotation, remedy in REFUSED_ANNOTATIONS.items()),
    Rule(
        id="unknown_annotation",
        on=InferenceService,
        cel=(
            "!has(self.metadata.annotations) || self.metadata.annotations.all(key, "
            f"!key.startsWith('{GROUP}') || key in "
            f"[{', '.join(repr(key) for key in sorted({*KNOWN_ANNOTATIONS, *REFUSED_ANNOTATIONS}))}])"
        ),
        message=f"an annotation under {GROUP} is not known here",
        remedy="correct its spelling or remove it",
        holds=lambda service: all(
            not key.startswith(GROUP) or key in KNOWN_ANNOTATIONS or key in REFUSED_ANNOTATIONS
            for key in service.annotations
        ),
        field=".metadata.annotations",
        in_crd=False,
    ),
    # G1
    Rule(
        id="graph_name",
        on=InferenceGraph,
        cel=f"self.metadata.name.matches('{DNS_LABEL}') && size(self.metadata.name) <= 63",
        message="the name must begin with a letter and be at most 63 lower-case letters, digits and -",
        remedy="rename the object: it becomes a host name",
        holds=lambda graph: matches(DNS_LABEL, graph.name) and len(graph.name) <= 63,
        field=".metadata.name",
    ),
    # T1
    Rule(
        id="trained_model_name",
        on=TrainedModel,
        cel=f"self.metadata.name.matches('{MODEL_NAME}')",
        message="the name must be letters, digits, - and _",
        remedy="rename the object: it becomes a part of URLs",
        holds=lambda model: matches(MODEL_NAME, model.name),
        field=".metadata.name",
    ),
)
