"""The routes of a service from outside, as the kind of object that was chosen."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kserve_lite.api.config import Config, Network
from kserve_lite.render.httproute import http_routes
from kserve_lite.render.ingress import ingresses
from kserve_lite.render.virtualservice import virtual_services
from kserve_lite.resolve.route import Routed

CARRIERS: Mapping[str, Callable[[Routed, Network], Iterator[dict[str, Any]]]] = {
    "ingress": ingresses,
    "gateway": http_routes,
    "istio": virtual_services,
}


def route_objects(effective: Routed, config: Config) -> Iterator[dict[str, Any]]:
    """Yield the objects that carry the routes; none where the table is empty."""
    if effective.routes.table:
        yield from CARRIERS[effective.routes.mode](effective, config.network)
