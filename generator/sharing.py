"""Say a part of a JSON Schema once: what occurs again becomes a reference into `$defs`.

An InferenceService holds three whole pods. Written out, its schema is 800 KB that every editor and `helm template`
reads again.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from generator.definition import REF, Schema

_WORTH_SHARING = 200
"""Characters below which a reference reads worse than what it stands for."""

_MAPPINGS = ("properties", "$defs")
_SCHEMAS = ("items", "additionalProperties", "not", "propertyNames")
_LISTS = ("allOf", "anyOf", "oneOf")


def shared(schema: Schema) -> Schema:
    """Return an equivalent schema in which equal parts stand in `$defs`, named by the field they were met at first."""
    sharing = _Sharing(schema)
    slim = sharing.rewrite(schema)
    definitions = {**slim.pop("$defs", {}), **sharing.definitions}
    return {**slim, "$defs": dict(sorted(definitions.items()))} if definitions else slim


class _Sharing:
    def __init__(self, schema: Schema) -> None:
        self.definitions: dict[str, Schema] = {}
        self.names: dict[str, str] = {}
        self.taken: set[str] = set(schema.get("$defs", {}))
        self.met: Counter[str] = Counter()
        self._meet(schema)

    def _meet(self, node: Schema) -> None:
        key = _identity(node)
        self.met[key] += 1
        if self.met[key] == 1:
            for _, child in _children(node):
                self._meet(child)

    def rewrite(self, node: Schema) -> Schema:
        """Return `node` with every part below it that occurs again replaced by a reference."""
        out = dict(node)
        for keyword, value in node.items():
            if keyword in _MAPPINGS:
                out[keyword] = {name: self._refer(child, name) for name, child in value.items()}
            elif keyword in _SCHEMAS and isinstance(value, dict):
                out[keyword] = self._refer(value, keyword)
            elif keyword in _LISTS:
                out[keyword] = [self._refer(branch, keyword) for branch in value]
        return out

    def _refer(self, node: Schema, name: str) -> Schema:
        key = _identity(node)
        if self.met[key] < 2 or len(key) < _WORTH_SHARING:
            return self.rewrite(node)
        if key not in self.names:
            self.names[key] = name = self._free(name)
            self.definitions[name] = self.rewrite({k: v for k, v in node.items() if k != "description"})
        reference = {"$ref": REF + self.names[key]}
        return (
            {"description": node["description"], "allOf": [reference]} if "description" in node else reference
        )

    def _free(self, name: str) -> str:
        number = 1
        while (candidate := name if number == 1 else f"{name}{number}") in self.taken:
            number += 1
        self.taken.add(candidate)
        return candidate


def _identity(node: Schema) -> str:
    return json.dumps({key: value for key, value in node.items() if key != "description"}, sort_keys=True)


def _children(node: Schema) -> Iterator[tuple[str, Any]]:
    for keyword, value in node.items():
        if keyword in _MAPPINGS:
            yield from value.items()
        elif keyword in _SCHEMAS and isinstance(value, dict):
            yield keyword, value
        elif keyword in _LISTS:
            yield from ((keyword, branch) for branch in value)
