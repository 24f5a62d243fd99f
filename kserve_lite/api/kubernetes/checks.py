"""Compile a pinned type into a pydantic validator: exact types, required and unknown names, quantities, keyed lists."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator, core_schema

from kserve_lite.api.kubernetes.openapi import Schema, definitions


def compile_schema(schema: Schema) -> SchemaValidator:
    """Return a validator of `schema`; types that it refers to are compiled once and shared inside it."""
    names = closure(schema)
    return SchemaValidator(
        core_schema.definitions_schema(
            convert(schema), [{**convert(definitions()[name]), "ref": name} for name in sorted(names)]
        )
        if names
        else convert(schema)
    )


def closure(schema: Schema) -> set[str]:
    """Return the names of all types that `schema` leads to."""
    found: set[str] = set()
    pending: list[Any] = [schema]
    while pending:
        match pending.pop():
            case {"$ref": name}:
                if name not in found:
                    found.add(name)
                    pending.append(definitions()[name])
            case dict() as node:
                pending.extend(node.values())
    return found


def convert(schema: Schema) -> CoreSchema:
    """Translate one structural schema node."""
    if "$ref" in schema:
        return core_schema.definition_reference_schema(schema["$ref"])
    if schema.get("x-kubernetes-int-or-string"):
        return core_schema.no_info_plain_validator_function(int_or_string(schema.get("pattern")))
    match schema["type"]:
        case "object" if "properties" in schema:
            return structure(schema)
        case "object":
            values = schema.get("additionalProperties", True)
            return core_schema.dict_schema(
                core_schema.str_schema(strict=True),
                core_schema.any_schema() if values is True else convert(values),
            )
        case "array":
            return listing(schema)
        case "string":
            return core_schema.str_schema(
                strict=True, max_length=schema.get("maxLength"), pattern=schema.get("pattern")
            )
        case "integer":
            return core_schema.int_schema(strict=True)
        case "number":
            return core_schema.float_schema(strict=True)
        case "boolean":
            return core_schema.bool_schema(strict=True)
    raise ValueError(f"no validator for a node of type {schema['type']!r}")


def structure(schema: Schema) -> CoreSchema:
    """Translate an object with named fields; other names are refused."""
    required = schema.get("required", ())
    return core_schema.typed_dict_schema(
        {
            name: core_schema.typed_dict_field(convert(value), required=name in required)
            for name, value in schema["properties"].items()
        },
        extra_behavior="forbid",
    )


def listing(schema: Schema) -> CoreSchema:
    """Translate a list; of a keyed list, no two items may have the same key."""
    items = core_schema.list_schema(convert(schema["items"]), strict=True, max_length=schema.get("maxItems"))
    if keys := schema.get("x-kubernetes-list-map-keys"):
        return core_schema.no_info_after_validator_function(unique_by(keys, schema["items"]), items)
    if schema.get("x-kubernetes-list-type") == "set":
        return core_schema.no_info_after_validator_function(unique_by(None, schema["items"]), items)
    return items


def unique_by(keys: list[str] | None, items: Schema) -> Callable[[list[Any]], list[Any]]:
    """Return a check that no two items have the same `keys` (None: are the same)."""
    fields = definitions()[items["$ref"]]["properties"] if "$ref" in items else {}
    defaults = {key: fields.get(key, {}).get("default") for key in keys or ()}

    def check(values: list[Any]) -> list[Any]:
        seen = set()
        for value in values:
            key = tuple(value.get(k, defaults[k]) for k in keys) if keys else value
            if key in seen:
                named = ", ".join(f"{k} {v}" for k, v in zip(keys, key, strict=True)) if keys else str(key)
                raise PydanticCustomError(
                    "duplicate_item", "two items have the same {named}", {"named": named}
                )
            seen.add(key)
        return values

    return check


@cache
def int_or_string(pattern: str | None) -> Callable[[Any], int | str]:
    """Return a check for a value that is a whole number or text; with a pattern it is a quantity."""
    expected = re.compile(pattern, re.ASCII) if pattern else None
    what = "a quantity such as 500m, 2 or 1Gi" if pattern else "a whole number or text"

    def check(value: Any) -> int | str:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise PydanticCustomError("int_or_string", "must be {what}", {"what": what})
        if isinstance(value, str) and expected and not expected.match(value):
            raise PydanticCustomError("quantity", "must be {what}", {"what": what})
        return value

    return check
