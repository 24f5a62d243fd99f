"""What a definition says beside its pydantic types: apply topology, defaults, rules, registration of a kind.

pydantic carries names, types, bounds and descriptions. Everything else that a CRD or a chart needs is said
here, once, so that the generator reads it as data and never guesses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

DEFAULTED: dict[str, Any] = {"x-kserve-lite-default": True}
"""`json_schema_extra` of a field whose default belongs into the CRD; every other default stays in Python."""

ATOMIC: dict[str, Any] = {"x-kubernetes-list-type": "atomic"}
"""`json_schema_extra` of a list that one owner replaces as a whole."""

SET: dict[str, Any] = {"x-kubernetes-list-type": "set"}
"""`json_schema_extra` of a list of scalars that several owners may extend."""

ATOMIC_MAP: dict[str, Any] = {"x-kubernetes-map-type": "atomic"}
"""`json_schema_extra` of an object that one owner replaces as a whole."""


def keyed(*keys: str) -> dict[str, Any]:
    """`json_schema_extra` of a list whose items server-side apply tells apart by `keys`."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


@dataclass(frozen=True, eq=False)  # one rule is itself and no other: cheap to hash
class Rule:
    """One validation rule: the CEL that the API server runs and the same predicate for everyone else."""

    id: str
    on: type[BaseModel]
    """The CRD carries the rule wherever this model occurs; `self` is one object of it."""
    cel: str
    """Empty where CEL cannot say it."""
    message: str
    remedy: str
    holds: Callable[..., bool]
    """The predicate in Python over an object of `on`: True means fine. Of a transition: over the new and the old."""
    field: str | None = None
    """JSON path below `on` that is at fault, such as `.minReplicas`; below `.metadata` no CRD can name it."""
    transition: bool = False
    """Whether the rule compares an object with what it was (`oldSelf`)."""
    in_crd: bool = True
    """False for what a CRD cannot see (annotations) or CEL cannot say (cycles): the CLI and the controller judge it."""


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`."""

    name: str
    path: str
    type: Literal["string", "integer", "number", "boolean", "date"] = "string"
    priority: int = 0


@dataclass(frozen=True)
class Kind:
    """How an API type is registered with the API server."""

    model: type[BaseModel]
    version: str
    plural: str
    scope: Literal["Namespaced", "Cluster"] = "Namespaced"
    group: str = "serving.kserve.io"
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ("kserve",)
    columns: tuple[Column, ...] = ()
    status: bool = False
    """Whether `/status` is a subresource."""

    @property
    def name(self) -> str:
        """The kind's name is its model's."""
        return self.model.__name__

    @property
    def api_version(self) -> str:
        """Group and version as manifests write them."""
        return f"{self.group}/{self.version}"
