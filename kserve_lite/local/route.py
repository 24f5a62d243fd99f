"""Which InferenceService a request is for: by its Host as in a cluster, else by the model in the path."""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

# /v1/models/{m}, /v1/models/{m}:predict, /v2/models/{m}/infer, /v2/repository/models/{m}/load
_MODEL = re.compile(r"^/(?:v1/models|v2/models|v2/repository/models)/(?P<model>[^/]+?)(?::[a-z]+)?(?:/|$)")


@dataclass(frozen=True)
class Route:
    """One InferenceService as the gateway knows it; `key` is `namespace/name`, `models` its TrainedModels."""

    key: str
    model: str
    hosts: tuple[str, ...]
    models: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The models by whose names it answers."""
        return self.models or (self.model,)


@dataclass(frozen=True)
class Refusal:
    """Why no InferenceService gets the request: an HTTP status, a stable code and a sentence with the remedy."""

    status: int
    code: str
    message: str


def choose(routes: Sequence[Route], host: str, path: str) -> Route | Refusal:
    """Return the service that answers `path` (percent-encoded, no query) at `host` (the Host header, port and all)."""
    name = bare(host)
    named = [route for route in routes if name in route.hosts]
    if len(named) == 1:
        return named[0]
    if len(named) > 1:
        return _ambiguous(named, f"the host '{name}'")
    if not is_this_machine(name):
        known = ", ".join(sorted(route.hosts[0] for route in routes)) or "none"
        return Refusal(404, "unknown_host", f"No InferenceService has the host '{name}'. Known: {known}.")
    return _by_path(routes, path)


def bare(host: str) -> str:
    """Return a Host header in lower case without its port, brackets and the root's dot."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


def is_this_machine(name: str) -> bool:
    """Say whether a host is no service's name but this machine's: an address, localhost, the machine's own name."""
    if name in {"", "localhost", "host.docker.internal"} | _own_names() or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@cache
def _own_names() -> frozenset[str]:
    full = socket.gethostname().lower()
    return frozenset({full, full.partition(".")[0], full.partition(".")[0] + ".local"})


def _by_path(routes: Sequence[Route], path: str) -> Route | Refusal:
    if len(routes) == 1:
        return routes[0]  # its server knows best what to say to any path
    if not (match := _MODEL.match(path)):
        hosts = ", ".join(route.hosts[0] for route in routes)
        sentence = (
            f"{len(routes)} InferenceServices answer here, and the path '{path}' names none of their models."
        )
        return Refusal(404, "service_not_named", f"{sentence} Add a Host header, one of: {hosts}.")
    model = unquote(match["model"])
    named = [route for route in routes if model in route.names]
    if len(named) == 1:
        return named[0]
    if named:
        return _ambiguous(named, f"the model '{model}'")
    known = ", ".join(sorted({name for route in routes for name in route.names})) or "none"
    return Refusal(404, "model_not_found", f"Model with name {model} does not exist. Known: {known}.")


def _ambiguous(routes: Sequence[Route], what: str) -> Refusal:
    keys = " and ".join(route.key for route in routes)
    hosts = ", ".join(route.hosts[0] for route in routes)
    return Refusal(
        409, "ambiguous_service", f"Both {keys} have {what}. Say which by the Host header: {hosts}."
    )
