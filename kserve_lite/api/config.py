"""Settings of the controller: one file, written by the chart, read at start; the same on a laptop."""

from typing import Literal

from pydantic import Field

from kserve_lite.api.container import Resources
from kserve_lite.api.definition import Definition


class Gateway(Definition):
    """The Gateway that routes are attached to."""

    name: str = Field("", max_length=253, description="Name of the Gateway.")
    namespace: str = Field("", max_length=63, description="Its namespace; that of the service when empty.")
    section_name: str = Field("", max_length=253, description="Listener of the Gateway; all when empty.")


class Network(Definition):
    """How requests from outside the cluster reach a service."""

    mode: Literal["none", "ingress", "gateway", "istio"] = Field(
        "none", description="What is rendered beside Services: nothing, Ingress, HTTPRoute or VirtualService."
    )
    domain: str = Field("example.com", max_length=253, description="Domain of the hosts.")
    domain_template: str = Field(
        "{name}-{namespace}.{domain}",
        max_length=253,
        pattern=r"^([a-z0-9.-]|\{(name|namespace|domain)\})+$",
        description="Host of a service, from {name}, {namespace} and {domain}.",
    )
    additional_domains: list[str] = Field([], max_length=15, description="More domains with the same hosts.")
    scheme: Literal["http", "https"] = Field("http", description="Scheme of the URLs in status.")
    ingress_class_name: str = Field(
        "", max_length=253, description="Class of the Ingresses; the default when empty."
    )
    tls_secret_name: str = Field("", max_length=253, description="Secret with the certificate of the hosts.")
    gateway: Gateway = Field(Gateway(), description="The Gateway, in the modes gateway and istio.")
    annotations: dict[str, str] = Field(
        {}, description="Annotations of every Ingress, HTTPRoute or VirtualService."
    )
    timeout_seconds: int = Field(
        60, ge=1, le=86400, description="Until a request is given up, unless a service says."
    )


class StorageInitializer(Definition):
    """The init container that fetches models."""

    image: str = Field("", max_length=512, description="Its image; that of this release when empty.")
    resources: Resources = Field(
        {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        description="Its resources.",
    )
    env: dict[str, str] = Field(
        {},
        max_length=64,
        description="Variables of it, such as HTTPS_PROXY, NO_PROXY or STORAGE_CONNECTIONS.",
    )


class Storage(Definition):
    """Where models come from, and with which credentials."""

    initializer: StorageInitializer = Field(
        StorageInitializer(), description="The init container that fetches models."
    )
    secret_name: str = Field(
        "storage-config", max_length=253, description="Secret whose entries `storage.key` names."
    )
    ca_bundle_config_map: str = Field(
        "", max_length=253, description="ConfigMap with certificate authorities."
    )
    oci_mode: Literal["fetch", "native", "modelcar"] = Field(
        "fetch",
        description="How oci:// models come: downloaded, as a volume (Kubernetes 1.33 and newer), or beside the model.",
    )
    pvc_read_only: bool = Field(True, description="Whether pvc:// models are mounted read-only.")


class Propagation(Definition):
    """Labels and annotations of an InferenceService that its pods get; a change of one of them restarts pods."""

    labels: list[str] = Field([], max_length=64, description="Keys, or prefixes that end in /.")
    annotations: list[str] = Field([], max_length=64, description="Keys, or prefixes that end in /.")


class PodDefaults(Definition):
    """What a model's pods get unless the service says otherwise."""

    resources: Resources = Field(
        {"requests": {"cpu": "100m", "memory": "256Mi"}}, description="Of the model's container."
    )
    termination_grace_period_seconds: int = Field(60, ge=1, le=86400, description="Time to finish requests.")
    disruption_budget: bool = Field(True, description="Whether services with several replicas get a budget.")
    topology_spread: bool = Field(True, description="Whether replicas are spread over nodes.")


class Autoscaling(Definition):
    """Who scales when maxReplicas is above minReplicas."""

    default_class: Literal["hpa", "keda", "external", "none"] = Field(
        "hpa", description="Used where the annotation serving.kserve.io/autoscalerClass is left out."
    )


class Router(Definition):
    """The pods that take requests through an InferenceGraph."""

    image: str = Field("", max_length=512, description="Their image; that of this release when empty.")
    resources: Resources = Field(
        {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        description="Their resources, unless a graph says otherwise.",
    )
    headers: list[str] = Field(
        [],
        max_length=64,
        description="Headers of a request that its steps get, as regular expressions that occur in their names; "
        "those of traces (traceparent, x-request-id, b3) they always get.",
    )


class Config(Definition):
    """Settings of the controller."""

    network: Network = Field(Network(), description="How requests from outside reach a service.")
    storage: Storage = Field(Storage(), description="Where models come from.")
    pods: PodDefaults = Field(
        PodDefaults(), description="What a model's pods get unless the service says otherwise."
    )
    autoscaling: Autoscaling = Field(Autoscaling(), description="Who scales.")
    router: Router = Field(Router(), description="The pods that take requests through an InferenceGraph.")
    propagation: Propagation = Field(Propagation(), description="Labels and annotations that pods get.")
    runtime_changes: Literal["pin", "follow"] = Field(
        "pin",
        description="Whether a changed ServingRuntime waits for the next change of a service, or rolls out.",
    )
    runtime_changes_at_once: int = Field(
        5,
        ge=1,
        le=1000,
        description="Under `follow`, how many services replace their pods at a time; one that fails keeps its place.",
    )
