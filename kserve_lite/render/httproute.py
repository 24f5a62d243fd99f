"""Routes as HTTPRoutes of the Gateway API: one for the service's own host, one for each component's."""

from collections.abc import Iterator
from typing import Any

from kserve_lite.api.config import Network
from kserve_lite.render import metadata
from kserve_lite.resolve.route import Routed, Rule


def http_routes(effective: Routed, network: Network) -> Iterator[dict[str, Any]]:
    """Yield the HTTPRoutes, named as KServe's."""
    for route in effective.routes.table:
        yield {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": metadata.of_service(effective, route.name, dict(effective.routes.annotations)),
            "spec": {
                "parentRefs": [_parent(network)],
                "hostnames": list(route.hosts),
                "rules": [_rule(effective, rule) for rule in route.rules],
            },
        }


def _parent(network: Network) -> dict[str, Any]:
    parent = {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": network.gateway.name,
        "namespace": network.gateway.namespace,
        "sectionName": network.gateway.section_name,
    }
    return {key: value for key, value in parent.items() if value}


def _rule(effective: Routed, rule: Rule) -> dict[str, Any]:
    return {
        "matches": _matches(rule),
        "filters": [
            {
                "type": "RequestHeaderModifier",
                "requestHeaderModifier": {
                    "set": [
                        {"name": "KServe-Isvc-Name", "value": effective.name},
                        {"name": "KServe-Isvc-Namespace", "value": effective.namespace},
                    ]
                },
            }
        ],
        "backendRefs": [
            {"group": "", "kind": "Service", "name": rule.backend, "port": rule.port, "weight": 1}
        ],
        "timeouts": {"request": f"{rule.timeout}s"},
    }


def _matches(rule: Rule) -> list[dict[str, Any]]:
    if rule.exact:
        return [{"path": {"type": "Exact", "value": rule.exact}}]
    return [{"path": {"type": "PathPrefix", "value": prefix}} for prefix in rule.prefixes or ("/",)]
