"""From an InferenceGraph and the services that it names to what its router does and how it runs. Pure."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kserve_lite.api.config import Config
from kserve_lite.api.gjson import compiled
from kserve_lite.api.inferencegraph import InferenceGraph, Node, Step
from kserve_lite.api.problems import Problem
from kserve_lite.resolve import defaults
from kserve_lite.resolve.catalogue import VERSION
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.names import inside_hosts, outside_host
from kserve_lite.resolve.network import graph_routes
from kserve_lite.resolve.route import Routes
from kserve_lite.resolve.scaling import Scaling

GRAPH = "serving.kserve.io/inferencegraph"
"""Label of everything that belongs to a graph, as KServe has it."""
IMAGE = f"ghcr.io/kserve-lite/router:{VERSION}"
PORT = 8080
FOLDER = "/etc/kserve-lite"
FILE = "graph.json"
DEFAULTS = Config()
SCALE_TARGET = 80
READ, WRITE, IDLE = 60, 60, 180
"""Seconds that KServe's router has for a request, an answer and the next request, unless routerTimeouts says."""


@dataclass(frozen=True)
class EffectiveGraph:
    """One InferenceGraph resolved: `document` is the router's file, `container` and `pod` are how it runs.

    The pod template is made of neither `document` nor `revision`: a changed graph is read, not rolled out.
    """

    name: str
    namespace: str
    url: str
    address: str
    hosts: tuple[str, ...]
    routes: Routes
    document: Mapping[str, Any]
    services: tuple[str, ...]
    container: Mapping[str, Any]
    pod: Mapping[str, Any]
    scaling: Scaling

    @property
    def key(self) -> str:
        """`namespace/name`, as Kubernetes tools write it."""
        return f"{self.namespace}/{self.name}"

    @property
    def text(self) -> str:
        """The router's file."""
        return json.dumps(self.document, ensure_ascii=False, sort_keys=True)


def resolve_graph(
    graph: InferenceGraph,
    services: Mapping[str, Effective],
    config: Config = DEFAULTS,
    *,
    gateway: str | None = None,
) -> EffectiveGraph | list[Problem]:
    """Return the effective graph, or every reason why there is none.

    `services` are those of its namespace that it names, by name. `gateway` is the URL of a laptop's, which leads to
    each of them by its Host header; in a cluster their own names do.
    """
    problems: list[Problem] = []
    nodes = {
        name: _node(node, f"spec.nodes.{name}", graph, services, config, gateway, problems)
        for name, node in graph.spec.nodes.items()
    }
    routes, wrong = graph_routes(graph, config.network)
    problems += wrong if gateway is None else ()
    if problems:
        return problems
    inside = inside_hosts(graph.name, graph.namespace)
    address = f"http://{inside[0]}"
    outside = [host for route in routes.table for host in route.hosts]
    network = config.network
    named_outside = outside_host(graph.name, graph.namespace, network.domain, network.domain_template)
    return EffectiveGraph(
        name=graph.name,
        namespace=graph.namespace,
        url=f"{network.scheme}://{outside[0]}" if outside else address,
        address=address,
        hosts=(*inside, *dict.fromkeys([named_outside, *outside]), graph.name),
        routes=routes,
        document=_document(graph, nodes, config),
        services=tuple(dict.fromkeys(named(graph))),
        container=_container(graph, config),
        pod=_pod(graph, config),
        scaling=_scaling(graph),
    )


def named(graph: InferenceGraph) -> Iterator[str]:
    """Yield the names of the services that a graph calls, as often as it does."""
    for node in graph.spec.nodes.values():
        for step in node.steps or ():
            if step.service_name is not None:
                yield step.service_name


def _document(graph: InferenceGraph, nodes: Mapping[str, Any], config: Config) -> dict[str, Any]:
    timeouts = graph.spec.router_timeouts
    document = {
        "name": graph.name,
        "nodes": nodes,
        "headers": list(config.router.headers),
        "read": float((timeouts and timeouts.server_read) or READ),
        "write": float((timeouts and timeouts.server_write) or WRITE),
        "idle": float((timeouts and timeouts.server_idle) or IDLE),
        **({"timeout": float(graph.spec.timeout)} if graph.spec.timeout else {}),
    }
    text = json.dumps(document, sort_keys=True).encode()
    return {**document, "revision": hashlib.sha256(text).hexdigest()[:12]}


def _node(
    node: Node,
    path: str,
    graph: InferenceGraph,
    services: Mapping[str, Effective],
    config: Config,
    gateway: str | None,
    problems: list[Problem],
) -> dict[str, Any]:
    steps = [
        {
            **({"name": step.name} if step.name else {}),
            **_target(step, f"{path}.steps[{index}]", services, gateway, problems),
            **_how(step, graph, config),
        }
        for index, step in enumerate(node.steps or ())
    ]
    header = {"hashHeader": node.hash_header} if node.hash_header else {}
    return {"type": node.router_type, **header, "steps": steps}


def _target(
    step: Step, path: str, services: Mapping[str, Effective], gateway: str | None, problems: list[Problem]
) -> dict[str, Any]:
    """Return where a step leads."""
    if step.node_name is not None:
        return {"node": step.node_name}
    if step.service_url is not None:
        return {"url": step.service_url}
    name = step.service_name or ""
    if name not in services:
        message = f"there is no InferenceService {name} in the graph's namespace"
        remedy = "create it, or correct the name; what waits for it goes on by itself"
        problems.append(Problem("service_not_found", f"{path}.serviceName", message, remedy))
        return {}
    service = services[name]
    entry = service.entry
    if entry.protocol.startswith("grpc"):
        message = (
            f"the InferenceService {name} speaks {entry.protocol}, and a graph's steps are asked over HTTP"
        )
        problems.append(
            Problem("service_not_http", f"{path}.serviceName", message, "give it protocolVersion v1 or v2")
        )
    model = quote(entry.model, safe="")
    ask = f"/v1/models/{model}:predict" if entry.protocol == "v1" else f"/v2/models/{model}/infer"
    host = inside_hosts(service.name, service.namespace)[0]
    return {"url": f"http://{host}{ask}"} if gateway is None else {"url": gateway + ask, "host": host}


def _how(step: Step, graph: InferenceGraph, config: Config) -> dict[str, Any]:
    """Return what a step does with request and answer."""
    timeouts = graph.spec.router_timeouts
    how: dict[str, Any] = {}
    if step.node_name is None:
        client = timeouts.service_client if timeouts else None
        how["timeout"] = float(step.timeout or client or config.network.timeout_seconds)
    if step.retries:
        how["retries"] = step.retries
    if step.weight is not None:
        how["weight"] = step.weight
    if step.condition:
        how["condition"] = {"text": step.condition, "path": compiled(step.condition)}
    if step.data == "$response":
        how["response"] = True
    if step.dependency == "Hard":
        how["hard"] = True
    if step.map_predictions_to_instances:
        how["maps"] = True
    return how


def _container(graph: InferenceGraph, config: Config) -> dict[str, Any]:
    """Return the router's container. It drains by itself: preStop only waits until nobody sends it new requests."""
    return defaults.secured(
        {
            "name": "router",
            "image": config.router.image or IMAGE,
            "args": [f"--graph={FOLDER}/{FILE}", f"--http_port={PORT}"],
            "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
            "readinessProbe": {**defaults.ask("/readyz", PORT), "periodSeconds": 2, "timeoutSeconds": 5},
            "livenessProbe": {
                **defaults.ask("/healthz", PORT),
                "periodSeconds": 10,
                "timeoutSeconds": 5,
                "failureThreshold": 6,
            },
            "lifecycle": {"preStop": {"sleep": {"seconds": defaults.DRAIN_SECONDS}}},
            "resources": defaults.with_resources(graph.spec.resources or {}, config.router.resources),
            "volumeMounts": [{"name": "graph", "mountPath": FOLDER, "readOnly": True}],
            "securityContext": {"readOnlyRootFilesystem": True},
        }
    )


def _pod(graph: InferenceGraph, config: Config) -> dict[str, Any]:
    spec = graph.spec
    written = {
        "affinity": spec.affinity,
        "tolerations": spec.tolerations,
        "nodeSelector": spec.node_selector,
        "nodeName": spec.node_name,
        "serviceAccountName": spec.service_account_name,
    }
    pod = defaults.pod({key: value for key, value in written.items() if value}, graph.name, config.pods)
    for constraint in pod.get("topologySpreadConstraints") or ():
        constraint["labelSelector"] = {"matchLabels": {GRAPH: graph.name}}
    return pod


def _scaling(graph: InferenceGraph) -> Scaling:
    """Return how many routers there are; only one number where most is not above least."""
    spec = graph.spec
    least = 1 if spec.min_replicas is None else spec.min_replicas
    most = max(spec.max_replicas or 0, least)
    if most == least:
        return Scaling("none", least, most)
    target = {"type": "Utilization", "averageUtilization": spec.scale_target or SCALE_TARGET}
    metric = {"type": "Resource", "resource": {"name": spec.scale_metric or "cpu", "target": target}}
    return Scaling("hpa", max(least, 1), most, (metric,))
