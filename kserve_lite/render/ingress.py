"""Routes as an Ingress: REST in one object, gRPC in a second one, as controllers choose the protocol by the object."""

from collections.abc import Iterator
from typing import Any

from kserve_lite.api.config import Network
from kserve_lite.render import metadata
from kserve_lite.resolve.route import Route, Routed, Rule

GRPC = {"nginx.ingress.kubernetes.io/backend-protocol": "GRPC"}
"""For the controller that looks at the Ingress; others look at the Service's appProtocol."""


def ingresses(effective: Routed, network: Network) -> Iterator[dict[str, Any]]:
    """Yield the Ingress `{name}`, and `{name}-grpc` if a component has gRPC beside REST."""
    table = effective.routes.table
    annotations = dict(effective.routes.annotations)
    yield _ingress(effective, network, effective.name, annotations, _rules(table, grpc=False))
    if grpc := _rules(table, grpc=True):
        yield _ingress(effective, network, f"{effective.name}-grpc", {**annotations, **GRPC}, grpc)


def _ingress(
    effective: Routed,
    network: Network,
    name: str,
    annotations: dict[str, str],
    rules: list[dict[str, Any]],
) -> dict[str, Any]:
    spec: dict[str, Any] = {"rules": rules}
    if network.ingress_class_name:
        spec["ingressClassName"] = network.ingress_class_name
    if network.tls_secret_name:
        hosts = [rule["host"] for rule in rules]
        spec["tls"] = [{"hosts": hosts, "secretName": network.tls_secret_name}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata.of_service(effective, name, annotations),
        "spec": spec,
    }


def _rules(table: tuple[Route, ...], *, grpc: bool) -> list[dict[str, Any]]:
    """Return the rules of every host that has any; the longest path counts, so their order does not matter."""
    return [
        {"host": host, "http": {"paths": paths}}
        for route in table
        for host in route.hosts
        if (paths := [path for rule in route.rules if bool(rule.prefixes) == grpc for path in _paths(rule)])
    ]


def _paths(rule: Rule) -> Iterator[dict[str, Any]]:
    backend = {"service": {"name": rule.backend, "port": {"number": rule.port}}}
    if rule.exact:
        yield {"path": rule.exact, "pathType": "Exact", "backend": backend}
        return
    for prefix in rule.prefixes or ("/",):
        yield {"path": prefix, "pathType": "Prefix", "backend": backend}
