"""Lists and maps for server-side apply: how items are told apart, and that their keys always exist."""

from collections.abc import Iterator
from typing import Any

from generator.checker.finding import Finding
from generator.checker.walk import Node, walk

LIST_TYPE = "x-kubernetes-list-type"
MAP_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"
_SCALARS = {"string", "integer", "number", "boolean"}


def check_topology(schema: dict[str, Any]) -> Iterator[Finding]:
    """Judge every list-type, map-type and list-map-keys."""
    for node in walk(schema):
        if not node.judging:
            yield from _check_list_type(node)
            yield from _check_map_type(node)


def _check_list_type(node: Node) -> Iterator[Finding]:
    kind = node.schema.get(LIST_TYPE)
    if MAP_KEYS in node.schema and kind != "map":
        yield Finding("keys-without-map", node.path, f"{MAP_KEYS} needs {LIST_TYPE}: map")
    if kind is None:
        return
    if kind not in ("atomic", "set", "map"):
        yield Finding("list-type", node.path, f"{kind!r} is not atomic, set or map")
    if node.schema.get("type") != "array":
        yield Finding("list-type-array", node.path, f"{LIST_TYPE} belongs to an array")
        return
    items = node.schema.get("items")
    if not isinstance(items, dict):
        return
    if kind in ("set", "map") and items.get("nullable"):
        yield Finding("items-nullable", node.path, f"items of a {kind} cannot be null")
    if kind == "set" and not _replaced_whole(items):
        yield Finding("set-items", node.path, "items of a set are scalars, or atomic")
    if kind == "map":
        yield from _check_keys(node.schema, items, node.path)


def _replaced_whole(items: dict[str, Any]) -> bool:
    if items.get("type") == "object":
        return bool(items.get(MAP_TYPE) == "atomic")
    if items.get("type") == "array":
        return bool(items.get(LIST_TYPE, "atomic") == "atomic")
    return True


def _check_keys(schema: dict[str, Any], items: dict[str, Any], path: str) -> Iterator[Finding]:
    keys = schema.get(MAP_KEYS) or []
    if not keys:
        yield Finding("map-keys-missing", path, f"{LIST_TYPE}: map needs {MAP_KEYS}")
    if len(set(keys)) != len(keys):
        yield Finding("map-keys-twice", path, "a key is named twice")
    if items.get("type") != "object":
        yield Finding("map-items-object", path, "items of a map are objects")
        return
    for key in keys:
        declared = items.get("properties", {}).get(key)
        if declared is None:
            yield Finding("map-key-undeclared", f"{path}[].{key}", "is a key but no property")
            continue
        if declared.get("type") not in _SCALARS:
            yield Finding("map-key-scalar", f"{path}[].{key}", "a key is a scalar")
        if declared.get("nullable"):
            yield Finding("map-key-nullable", f"{path}[].{key}", "a key cannot be null")
        if key not in items.get("required", []) and "default" not in declared:
            yield Finding("map-key-optional", f"{path}[].{key}", "a key is required or has a default")


def _check_map_type(node: Node) -> Iterator[Finding]:
    kind = node.schema.get(MAP_TYPE)
    if kind is None:
        return
    if kind not in ("atomic", "granular"):
        yield Finding("map-type", node.path, f"{kind!r} is not atomic or granular")
    if node.schema.get("type") != "object":
        yield Finding("map-type-object", node.path, f"{MAP_TYPE} belongs to an object")
