"""Every node of a schema with its path, and whether it stands where only values are judged."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

JUNCTORS = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True)
class Node:
    """One schema; `judging` inside allOf, anyOf, oneOf and not, `stable` where old and new objects correlate."""

    schema: dict[str, Any]
    path: str = ""
    judging: bool = False
    stable: bool = True
    parent: "Node | None" = None


def walk(schema: dict[str, Any]) -> Iterator[Node]:
    """Yield the root and everything below it."""
    yield from _below(Node(schema))


def _below(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _below(child)


def children(node: Node) -> Iterator[Node]:
    """Yield the schemas directly below `node`; what is no schema is left to the shape rules."""
    schema = node.schema
    replaced_whole = schema.get("x-kubernetes-map-type") == "atomic"
    for name, child in _mapping(schema.get("properties")).items():
        yield from _child(node, f".{name}", child, stable=not replaced_whole)
    yield from _child(node, "{}", schema.get("additionalProperties"), stable=not replaced_whole)
    yield from _child(node, "[]", schema.get("items"), stable=schema.get("x-kubernetes-list-type") == "map")
    for junctor in JUNCTORS:
        branches = schema.get(junctor)
        for index, branch in enumerate(branches if isinstance(branches, list) else ()):
            yield from _child(node, f".{junctor}[{index}]", branch, judging=True)
    yield from _child(node, ".not", schema.get("not"), judging=True)


def _child(
    node: Node, step: str, schema: Any, *, judging: bool = False, stable: bool = True
) -> Iterator[Node]:
    if isinstance(schema, dict):
        yield Node(schema, node.path + step, node.judging or judging, node.stable and stable, node)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
