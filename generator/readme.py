"""The table of values in a chart's README, between markers; everything around it belongs to the author."""

import json
from collections.abc import Iterator

from pydantic import BaseModel

from generator.definition import MODEL, Definition, Schema, define
from generator.markdown import cell, table, type_of
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
    return table(("Key", "Type", "Default", "Description"), _rows(model(), "", define(model)))


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
        text = one_line(info.description or "")
        yield f"`{prefix}{key}`", cell(kind), cell(f"`{json.dumps(plain)}`"), cell(text)


def _schema_of(model: type[BaseModel], definition: Definition) -> Schema:
    name = f"{model.__module__}.{model.__qualname__}"
    nodes: list[Schema] = [definition.schema, *definition.definitions.values()]
    return next(node for node in nodes if node.get(MODEL) == name)
