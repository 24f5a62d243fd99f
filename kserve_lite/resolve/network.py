"""How a service is reached: the routes from outside, its URLs, and whose host is whose."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kserve_lite.api.config import Network
from kserve_lite.api.definition import Resource
from kserve_lite.api.inferencegraph import InferenceGraph
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.problems import Problem
from kserve_lite.api.rules.metadata import NETWORK
from kserve_lite.resolve.effective import Component
from kserve_lite.resolve.names import outside_host
from kserve_lite.resolve.ports import SERVICE_PORT
from kserve_lite.resolve.route import Route, Routes, Rule

VISIBILITY = "networking.kserve.io/visibility"
GRPC_SERVICES = (
    "inference.GRPCInferenceService", "tensorflow.serving.PredictionService", "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
)  # fmt: skip
"""The gRPC services of model servers; each is the first part of a path."""
FOR_ROUTES = ("cert-manager.io/", "external-dns.alpha.kubernetes.io/")
LONGEST_LABEL = 63
LONGEST_HOST = 253


def is_routed(service: Resource, network: Network) -> bool:
    """Return whether the service is reached from outside the cluster at all."""
    return mode(service, network) != "none" and service.labels.get(VISIBILITY) != "cluster-local"


def mode(service: Resource, network: Network) -> Any:
    """Return the kind of route: that of the service's annotation, else the configuration's."""
    return service.annotations.get(NETWORK) or network.mode


def routes(
    service: InferenceService, components: Sequence[Component], network: Network
) -> tuple[Routes, list[Problem]]:
    """Return the routes of a service, the one of its own host first; none where nobody outside may reach it.

    `components` are all of them, the one that gets the requests first.
    """
    if not is_routed(service, network):
        return Routes("none", (), {}), []
    explainer = next((c for c in components if c.role == "explainer"), None)
    entry = components[0]
    domains = (network.domain, *network.additional_domains)
    hosts = tuple(dict.fromkeys(_host(service.name, service, network, domain) for domain in domains))
    explain = [_explain(explainer, network)] if explainer else []
    table = [Route(service.name, hosts, (*explain, *_rules(entry, network)))]
    for component in sorted(
        components, key=lambda c: ("predictor", "transformer", "explainer").index(c.role)
    ):
        name = f"{service.name}-{component.role}"
        table.append(
            Route(name, (_host(name, service, network, network.domain),), tuple(_rules(component, network)))
        )
    annotations = {**network.annotations, **_own_annotations(service.annotations)}
    problems = [
        *_without_gateway(service, network),
        *(p for r in table for h in r.hosts for p in _too_long(h)),
    ]
    return Routes(mode(service, network), tuple(table), annotations), problems


def graph_routes(graph: InferenceGraph, network: Network) -> tuple[Routes, list[Problem]]:
    """Return the one route of a graph: all that comes to its host goes to its routers."""
    if not is_routed(graph, network):
        return Routes("none", (), {}), []
    domains = (network.domain, *network.additional_domains)
    named = [outside_host(graph.name, graph.namespace, one, network.domain_template) for one in domains]
    rule = Rule(graph.name, SERVICE_PORT, graph.spec.timeout or network.timeout_seconds)
    table = (Route(graph.name, tuple(dict.fromkeys(named)), (rule,)),)
    annotations = {**network.annotations, **_own_annotations(graph.annotations)}
    problems = [*_without_gateway(graph, network), *(p for host in table[0].hosts for p in _too_long(host))]
    return Routes(mode(graph, network), table, annotations), problems


def urls(
    service: InferenceService, components: Sequence[Component], found: Routes, network: Network
) -> dict[str, str]:
    """Return where the service (`""`) and each of its components answer: outside if there is a route, else inside."""
    if not found.table:
        return {"": inside(service.name, service), **{c.role: inside(c.name, service) for c in components}}
    at = {route.name: f"{network.scheme}://{route.hosts[0]}" for route in found.table}
    return {"": at[service.name], **{c.role: at[f"{service.name}-{c.role}"] for c in components}}


def inside(name: str, service: InferenceService) -> str:
    """Return the URL of a Service in the cluster."""
    return f"http://{name}.{service.namespace}.svc.cluster.local"


@dataclass(frozen=True)
class Claim:
    """The hosts that a service wants, and since when it exists."""

    key: str
    created: str
    hosts: tuple[str, ...]


def collisions(claims: Iterable[Claim]) -> dict[str, Problem]:
    """Return a problem for each service that wants a host which an older one has (of equal age: the first by key)."""
    holders: dict[str, str] = {}
    found: dict[str, Problem] = {}
    for claim in sorted(claims, key=lambda claim: (claim.created, claim.key)):
        if taken := next((host for host in claim.hosts if host in holders), None):
            message = f"the host {taken} belongs to {holders[taken]}, which is older"
            remedy = (
                "rename this one, or separate name and namespace in config network.domainTemplate by a dot"
            )
            found[claim.key] = Problem("host_taken", "metadata.name", message, remedy)
        else:
            holders |= dict.fromkeys(claim.hosts, claim.key)
    return found


def _rules(component: Component, network: Network) -> Iterator[Rule]:
    """Yield the rules that lead to one component: gRPC to its port, where it has one beside REST, then the rest."""
    timeout = network.timeout_seconds if component.timeout is None else component.timeout
    rest = [port for port in component.ports if not port.grpc]
    grpc = [port for port in component.ports if port.grpc]
    if rest and grpc:
        yield Rule(
            component.name, grpc[0].number, timeout, prefixes=tuple(f"/{name}" for name in GRPC_SERVICES)
        )
    yield Rule(component.name, (rest or grpc)[0].number, timeout)


def _explain(explainer: Component, network: Network) -> Rule:
    *_, rest = _rules(explainer, network)
    path = f"/v1/models/{quote(explainer.model, safe='')}:explain"
    return Rule(rest.backend, rest.port, rest.timeout, exact=path)


def _host(name: str, service: InferenceService, network: Network, domain: str) -> str:
    return outside_host(name, service.namespace, domain, network.domain_template)


def _own_annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return the annotations of a service that speak to whoever carries out its routes."""
    return {
        key: value
        for key, value in annotations.items()
        if "ingress.kubernetes.io/" in key or key.startswith(FOR_ROUTES)
    }


def _without_gateway(service: Resource, network: Network) -> Iterator[Problem]:
    chosen = mode(service, network)
    if chosen in ("gateway", "istio") and not network.gateway.name:
        at = (
            f"metadata.annotations[{NETWORK}]"
            if NETWORK in service.annotations
            else "config network.gateway.name"
        )
        message = f"a route of the kind {chosen} needs a Gateway, and none is configured"
        yield Problem("gateway_missing", at, message, "set network.gateway.name in the configuration")


def _too_long(host: str) -> Iterator[Problem]:
    if len(host) > LONGEST_HOST or any(len(label) > LONGEST_LABEL for label in host.split(".")):
        message = (
            f"the host {host} is longer than DNS allows: {LONGEST_LABEL} between dots, {LONGEST_HOST} in all"
        )
        remedy = "shorten the names, or separate them in config network.domainTemplate by dots"
        yield Problem("host_too_long", "metadata.name", message, remedy)
