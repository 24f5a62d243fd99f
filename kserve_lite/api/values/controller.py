"""Values of the controller: its Deployment, its rights, and what watches it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from kserve_lite.api.container import Affinity, Resources, Tolerations
from kserve_lite.api.definition import Definition
from kserve_lite.api.kubernetes import Shape
from kserve_lite.api.values.common import Image, Labels

RenderMode = Literal["skipIfMissing", "failIfMissing", "alwaysRender"]
Env = Annotated[list[dict[str, Any]], Shape("Container", "env")]
Volumes = Annotated[list[dict[str, Any]], Shape("PodSpec", "volumes")]
VolumeMounts = Annotated[list[dict[str, Any]], Shape("Container", "volumeMounts")]
TopologySpread = Annotated[list[dict[str, Any]], Shape("PodSpec", "topologySpreadConstraints")]
Selector = Annotated[dict[str, Any], Shape("LabelSelector")]
PodSecurity = Annotated[dict[str, Any], Shape("PodSecurityContext")]
Security = Annotated[dict[str, Any], Shape("SecurityContext")]


class Probe(Definition):
    """When a probe asks, and when it gives up."""

    initial_delay_seconds: int = Field(0, ge=0, description="Before the first question.")
    period_seconds: int = Field(10, ge=1, description="Between two questions.")
    timeout_seconds: int = Field(5, ge=1, description="Until a question is lost.")
    failure_threshold: int = Field(3, ge=1, description="Lost questions until it counts.")


class Probes(Definition):
    """The controller's probes."""

    startup: Probe = Field(Probe(period_seconds=2, failure_threshold=30), description="Until it has started.")
    liveness: Probe = Field(Probe(period_seconds=20), description="Whether it is alive.")
    readiness: Probe = Field(Probe(), description="Whether it works.")


class DisruptionBudget(Definition):
    """How many controllers must stay."""

    enabled: bool = Field(False, description="Whether there is a PodDisruptionBudget.")
    min_available: Annotated[int | str, Shape("IntOrString")] = Field(1, description="Fewest that stay.")


class NetworkPolicy(Definition):
    """Who may talk to the controller, and to whom it talks."""

    enabled: bool = Field(False, description="Whether there is a NetworkPolicy.")
    metrics_namespace_selector: Selector = Field(
        {}, description="Namespaces whose pods may read the metrics; all when empty."
    )
    api_server_ports: list[int] = Field(
        [443, 6443], min_length=1, max_length=8, description="Ports of the API server; its address varies."
    )


class LeaderElection(Definition):
    """How replicas agree on the one that works."""

    lease_seconds: int = Field(15, ge=5, le=300, description="Time without renewal until another takes over.")


class ControllerImage(Image):
    """The controller's image."""

    repository: str = Field(
        "kserve-lite/kserve-lite", max_length=253, description="Repository in the registry."
    )


class Controller(Definition):
    """The controller's Deployment."""

    image: ControllerImage = Field(ControllerImage(), description="Its image.")
    replicas: int = Field(2, ge=0, le=16, description="One works, the others stand by.")
    resources: Resources = Field(
        {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        description="Its resources.",
    )
    pod_security_context: PodSecurity = Field(
        {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}, description="Of the pod."
    )
    security_context: Security = Field(
        {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        description="Of the container.",
    )
    probes: Probes = Field(Probes(), description="Its probes.")
    disruption_budget: DisruptionBudget = Field(
        DisruptionBudget(), description="How many controllers must stay."
    )
    network_policy: NetworkPolicy = Field(NetworkPolicy(), description="Who may talk to the controller.")
    leader_election: LeaderElection = Field(LeaderElection(), description="How replicas agree on one.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe log line."
    )
    watch_namespaces: list[str] = Field(
        [], max_length=200, description="Namespaces that it works in; all of the cluster when empty."
    )
    extra_env: Env = Field([], description="More environment.")
    extra_args: list[str] = Field([], max_length=64, description="More arguments.")
    extra_volumes: Volumes = Field([], description="More volumes.")
    extra_volume_mounts: VolumeMounts = Field([], description="More volume mounts.")
    pod_labels: Labels = Field({}, description="Labels of the pods.")
    pod_annotations: Labels = Field({}, description="Annotations of the pods.")
    node_selector: Labels = Field({}, description="Of the pods.")
    affinity: Affinity = Field({}, description="Of the pods.")
    tolerations: Tolerations = Field([], description="Of the pods.")
    topology_spread_constraints: TopologySpread = Field([], description="Of the pods.")
    priority_class_name: str = Field("", max_length=253, description="Of the pods.")


class Rbac(Definition):
    """The controller's rights. It reads no Secret: pods refer to theirs by name."""

    create: bool = Field(True, description="Whether roles and bindings are created.")
    scope: Literal["cluster", "namespaced"] = Field(
        "cluster",
        description="ClusterRole, or one Role in each of controller.watchNamespaces (the release's when empty).",
    )
    aggregate: bool = Field(
        True, description="Whether view, edit and admin include our kinds; cluster scope only."
    )


class ServiceAccount(Definition):
    """Who the controller is."""

    create: bool = Field(True, description="Whether it is created.")
    name: str = Field("", max_length=253, description="Its name; that of the release when empty.")
    annotations: Labels = Field({}, description="Its annotations.")


class Monitor(Definition):
    """An object of the Prometheus operator."""

    enabled: bool = Field(False, description="Whether it is rendered.")
    render_mode: RenderMode = Field("skipIfMissing", description="What happens in a cluster without its CRD.")
    interval: str = Field("30s", pattern="^[0-9]+(ms|s|m|h)$", description="Time between two readings.")
    labels: Labels = Field({}, description="Labels by which Prometheus finds it.")


class Rules(Definition):
    """Alerts, as an object of the Prometheus operator."""

    enabled: bool = Field(False, description="Whether it is rendered.")
    render_mode: RenderMode = Field("skipIfMissing", description="What happens in a cluster without its CRD.")
    labels: Labels = Field({}, description="Labels by which Prometheus finds it.")


class Dashboard(Definition):
    """A Grafana dashboard in a ConfigMap, as Grafana's sidecar collects it."""

    enabled: bool = Field(False, description="Whether it is rendered.")
    labels: Labels = Field({"grafana_dashboard": "1"}, description="Labels by which the sidecar finds it.")
    annotations: Labels = Field({}, description="Its annotations, such as the folder.")


class Metrics(Definition):
    """How the controller and the models are watched."""

    service: bool = Field(True, description="Whether the controller's metrics have a Service.")
    service_monitor: Monitor = Field(Monitor(), description="Watches the controller.")
    pod_monitor: Monitor = Field(Monitor(), description="Watches the pods of the models.")
    rules: Rules = Field(Rules(), description="Alerts on controller and models.")
    dashboard: Dashboard = Field(Dashboard(), description="A Grafana dashboard of the models.")
