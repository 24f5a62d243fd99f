"""Routes as Istio VirtualServices: one for the service's own host, one for each component's."""

from collections.abc import Iterator
from typing import Any

from kserve_lite.api.config import Network
from kserve_lite.render import metadata
from kserve_lite.resolve.route import Routed, Rule


def virtual_services(effective: Routed, network: Network) -> Iterator[dict[str, Any]]:
    """Yield the VirtualServices, bound to the configured Gateway."""
    gateway = network.gateway
    bound = f"{gateway.namespace}/{gateway.name}" if gateway.namespace else gateway.name
    for route in effective.routes.table:
        yield {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": metadata.of_service(effective, route.name, dict(effective.routes.annotations)),
            "spec": {
                "hosts": list(route.hosts),
                "gateways": [bound],
                "http": [_http(effective, rule) for rule in route.rules],
            },
        }


def _http(effective: Routed, rule: Rule) -> dict[str, Any]:
    host = f"{rule.backend}.{effective.namespace}.svc.cluster.local"
    headers = {"KServe-Isvc-Name": effective.name, "KServe-Isvc-Namespace": effective.namespace}
    return {
        "match": _matches(rule),
        "headers": {"request": {"set": headers}},
        "route": [{"destination": {"host": host, "port": {"number": rule.port}}}],
        **({"timeout": f"{rule.timeout}s"} if rule.timeout else {}),  # Istio takes no 0s for none
    }


def _matches(rule: Rule) -> list[dict[str, Any]]:
    if rule.exact:
        return [{"uri": {"exact": rule.exact}}]
    # Istio compares text: without the slash the prefix of one service would be that of a longer name too.
    return [{"uri": {"prefix": f"{prefix}/"}} for prefix in rule.prefixes or ("",)]
