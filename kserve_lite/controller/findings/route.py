"""Whether the route from outside leads somewhere: what the gateway says about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kserve_lite.controller.findings.finding import Finding

Object = dict[str, Any]

ROUTES = frozenset({"Ingress", "HTTPRoute", "VirtualService"})
"""Kinds that lead in from outside. An Ingress and a VirtualService need not be answered by whoever serves them."""


def closed(routes: Sequence[Object]) -> Finding | None:
    """Return why requests from outside do not come through, or None where nothing stands against it."""
    for route in routes:
        if route["kind"] == "HTTPRoute" and (found := _http_route(route)):
            return found
    return None


def _http_route(route: Object) -> Finding | None:
    place = f"HTTPRoute {route['metadata']['name']}"
    parents = (route.get("status") or {}).get("parents") or []
    if not parents:
        return Finding("RoutePending", place, "no gateway has looked at it yet")
    generation = route["metadata"].get("generation", 0)
    for parent in parents:
        name = (parent.get("parentRef") or {}).get("name", "")
        for condition in parent.get("conditions") or ():
            if condition["type"] not in ("Accepted", "ResolvedRefs"):
                continue
            if condition.get("observedGeneration", generation) < generation:
                return Finding("RoutePending", place, "the gateway has not looked at its newest version yet")
            if condition["status"] != "True":
                said = f"{condition.get('reason', '')}: {condition.get('message', '')}".strip(": ")
                return Finding("RouteNotAccepted", place, f"Gateway {name}: {said}",
                               time=condition.get("lastTransitionTime"))  # fmt: skip
    return None
