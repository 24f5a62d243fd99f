"""The table of values in a chart's README, between markers; everything around it belongs to the author."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from generator.definition import Definition, Schema
from generator.prose import one_line
from generator.values import name_of

BEGIN = "<!-- values: written by `make generate` -->"
END = "<!-- end of values -->"


class MarkersMissing(Exception):
    """A README without the pair of markers that the table stands between."""


def with_values_table(text: str, model: type[BaseModel], path: str) -> str:
    """Return `text` with the table of `model` between its markers. Raises `MarkersMissing` naming `path`."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise MarkersMissing(f"{path}: put the lines `{BEGIN}` and `{END}` where the table of values belongs")
    return f"{before}{BEGIN}\n{values_table(model)}{END}{after}"


def values_table(model: type[BaseModel]) -> str:
    """Return one row a leaf of the values: key, type, default, description."""
    rows = ["| Key | Type | Default | Description |", "|---|---|---|---|"]
    definition = Definition(model)
    rows += [f"| `{key}` | {kind} | {default} | {text} |" for key, kind, default, text in _rows(model(), "", definition)]
    return "\n".join(rows) + "\n"


def _rows(values: BaseModel, prefix: str, definition: Definition) -> Iterator[tuple[str, str, str, str]]:
    schema = _schema_of(type(values), definition)
    for field, info in type(values).model_fields.items():
        key = name_of(field, info)
        value = getattr(values, field)
        if isinstance(value, BaseModel):
            yield from _rows(value, f"{prefix}{key}.", definition)
            continue
        plain = values.model_dump(mode="json", by_alias=True, include={field})[key]
        kind = type_of(schema["properties"][key], definition)
        yield prefix + key, cell(kind), f"`{json.dumps(plain)}`", cell(one_line(info.description or ""))


def _schema_of(model: type[BaseModel], definition: Definition) -> Schema:
    name = f"{model.__module__}.{model.__qualname__}"
    nodes: list[Schema] = [definition.schema, *definition.definitions.values()]
    return next(node for node in nodes if node.get("x-python-model") == name)


def type_of(node: Schema, definition: Definition) -> str:
    """Name a node's type in few words: `string`, `list of string`, `map of object`, `a or b`."""
    while "$ref" in node:
        node, _ = definition.resolve(node)
    if node.get("x-kubernetes-int-or-string"):
        return "integer or string"
    for junctor in ("anyOf", "oneOf"):
        if junctor in node and "type" not in node:
            kinds = [type_of(branch, definition) for branch in node[junctor] if branch.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "enum" in node or "const" in node:
        return " or ".join(f"`{json.dumps(value)}`" for value in node.get("enum", [node.get("const")]))
    if node.get("type") == "array":
        return f"list of {type_of(node.get('items', {}), definition)}"
    if node.get("type") == "object" and "properties" not in node:
        free: Any = node.get("additionalProperties") or next(iter(node.get("patternProperties", {}).values()), None)
        return f"map of {type_of(free, definition)}" if isinstance(free, dict) else "object"
    return str(node.get("type", "any"))


def cell(text: str) -> str:
    """Escape what would end a table's cell."""
    return text.replace("|", "\\|")
