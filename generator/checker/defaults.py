"""Defaults that the API server writes: they must satisfy their own schema and survive its pruning."""

from collections.abc import Iterator
from typing import Any

from jsonschema_rs import Draft7Validator

from generator.checker.finding import Finding
from generator.checker.walk import walk
from generator.jsonschemas import json_schema
from generator.keywords import PRESERVE


def check_defaults(schema: dict[str, Any]) -> Iterator[Finding]:
    """Judge every `default:` of a version's schema."""
    for node in walk(schema):
        if "default" not in node.schema or node.judging:
            continue
        value = node.schema["default"]
        if node.path == "" or node.path.startswith(".metadata"):
            yield Finding("default-place", node.path, "the root and metadata take no default")
        if value is None and not node.schema.get("nullable"):
            yield Finding("default-null", node.path, "null is no default of a field that is not nullable")
        elif _pruned(value, node.schema) != value:
            yield Finding("default-pruned", node.path, f"{value!r} holds fields that are not declared")
        elif not Draft7Validator(json_schema(node.schema)).is_valid(value):
            yield Finding("default-invalid", node.path, f"{value!r} does not satisfy its own schema")


def _pruned(value: Any, schema: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_pruned(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict) or schema.get(PRESERVE):
        return value
    if isinstance(free := schema.get("additionalProperties"), dict):
        return {key: _pruned(item, free) for key, item in value.items()}
    declared = schema.get("properties", {})
    return {key: _pruned(item, declared[key]) for key, item in value.items() if key in declared}
