"""Whose host is whose: two InferenceServices may come to one host outside, and the older one keeps it."""

from __future__ import annotations

from typing import Any

from kserve_lite.api.config import Network
from kserve_lite.controller.runtime.informer import Index, Informer, key_of
from kserve_lite.controller.runtime.kube import Key
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.names import outside_host
from kserve_lite.resolve.network import VISIBILITY, Claim, collisions

Object = dict[str, Any]

BY_HOST = "host"
ROLES = ("predictor", "transformer", "explainer")


def host_index(network: Network) -> Index:
    """Return the index function of InferenceServices by the hosts that they may have outside."""

    def hosts(service: Object) -> list[str]:
        meta, spec = service["metadata"], service.get("spec")
        if (meta.get("labels") or {}).get(VISIBILITY) == "cluster-local":
            return []
        beside = [f"{meta['name']}-{role}" for role in ROLES if isinstance(spec, dict) and role in spec]
        domains = (network.domain, *network.additional_domains)
        own = [outside_host(meta["name"], meta["namespace"], one, network.domain_template) for one in domains]
        return own + [
            outside_host(one, meta["namespace"], network.domain, network.domain_template) for one in beside
        ]

    return hosts


def taken(services: Informer, service: Object, effective: Effective) -> str | None:
    """Say which older service has a host that this one wants."""
    wanted = tuple(host for route in effective.routes.table for host in route.hosts)
    rivals: dict[Key, set[str]] = {key_of(service): set(wanted)}
    created = {key_of(service): service["metadata"].get("creationTimestamp", "")}
    for host in wanted:
        for other in services.find(BY_HOST, host):
            rivals.setdefault(key_of(other), set()).add(host)
            created[key_of(other)] = other["metadata"].get("creationTimestamp", "")
    if len(rivals) == 1:
        return None
    claims = [Claim(str(key), created[key], tuple(sorted(hosts))) for key, hosts in rivals.items()]
    problem = collisions(claims).get(str(key_of(service)))
    return f"{problem.message}; {problem.remedy}" if problem else None


def rivals(services: Informer, service: Object, index: Index) -> list[Key]:
    """Return the other services that may want a host of this one: its end, or its coming, concerns them."""
    found = {key_of(other) for host in index(service) for other in services.find(BY_HOST, host)}
    return sorted(found - {key_of(service)})
