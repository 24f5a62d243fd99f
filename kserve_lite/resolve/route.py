"""Which requests from outside go where: one table, whatever kind of object carries it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Mode = Literal["none", "ingress", "gateway", "istio"]


@dataclass(frozen=True)
class Rule:
    """Requests of one kind, and the Service and its port behind them.

    They have the path `exact`, or one that begins with a prefix; a rule with neither takes the rest. `timeout` is in
    seconds, 0 for none.
    """

    backend: str
    port: int
    timeout: int
    exact: str = ""
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Route:
    """The rules of some hosts, of which the first that fits counts; `name` is that of the object that carries them."""

    name: str
    hosts: tuple[str, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Routes:
    """How a service is reached from outside: the kind of object, its annotations, and the table."""

    mode: Mode
    table: tuple[Route, ...]
    annotations: Mapping[str, str]


class Routed(Protocol):
    """What has routes: a service or a graph."""

    @property
    def name(self) -> str:
        """Name of the object."""

    @property
    def namespace(self) -> str:
        """Namespace of the object."""

    @property
    def routes(self) -> Routes:
        """Its routes."""
