"""A chart's values.schema.json from its values model: draft-07, closed, and the same verdict as pydantic's.

Helm before 3.18.5 knows draft-07 only, and silently ignores what is newer. Every `$ref` is a pointer into `$defs`
and stands alone: Helm 4 would fetch an address over HTTP, and draft-07 ignores what stands beside a reference.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from generator.definition import NAMES, REF, Schema, define
from generator.jsonschemas import DRAFT, draft_07_node
from generator.keywords import DEFAULTED
from generator.patterns import fault_of_pattern
from generator.refusal import Refused

_DROPPED = {"title", "default", "discriminator", "examples", DEFAULTED} | NAMES


def values_schema(model: type[BaseModel], comment: str) -> Schema:
    """Return the JSON Schema that Helm judges a chart's values by."""
    definition = define(model)
    root = _convert(definition.schema, model.__name__)
    definitions = {name: _convert(node, name) for name, node in sorted(definition.definitions.items())}
    if "$ref" in root:
        root = definitions.pop(root["$ref"].removeprefix(REF))
    return {"$schema": DRAFT, "$comment": comment, **root, "$defs": definitions}


def _convert(node: Any, place: str) -> Any:
    if not isinstance(node, Mapping):
        return node
    if "$ref" in node:
        reference = {"$ref": node["$ref"]}
        beside = {key: value for key, value in node.items() if key == "description"}
        return {**beside, "allOf": [reference]} if beside else reference
    out: Schema = {}
    for keyword, value in node.items():
        if keyword in _DROPPED:
            continue
        if keyword == "prefixItems":
            raise Refused(place, "a tuple means something else in draft-07", "use a list, or an object")
        if keyword == "pattern" and (fault := fault_of_pattern(value)):
            raise Refused(
                place, f"the pattern {value!r} {fault}", "Helm's engine is linear: write it without"
            )
        if keyword == "patternProperties":
            ((pattern, child),) = value.items()
            out["propertyNames"] = {"pattern": pattern}
            out["additionalProperties"] = _convert(child, place)
        elif keyword == "properties":
            out[keyword] = {name: _convert(child, f"{place}.{name}") for name, child in value.items()}
        elif keyword in ("anyOf", "oneOf", "allOf"):
            out[keyword] = [_convert(branch, place) for branch in value]
        elif keyword in ("items", "additionalProperties", "not", "propertyNames"):
            out[keyword] = _convert(value, place)
        else:
            out[keyword] = value
    return draft_07_node(out)
