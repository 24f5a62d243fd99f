"""From a pydantic model to the structural OpenAPI v3 schema that a CRD carries.

A structural schema is a narrow dialect: no references, no type unions but integer-or-string, nothing about shape
inside `anyOf`. What cannot be said in it is refused with the Python field's name; nothing is dropped that changes a
verdict. Structural input (the embedded Kubernetes shapes) passes through unchanged.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from generator.definition import FIELD, MODEL, Definition, Schema, define
from generator.keywords import INT_OR_STRING, ORDER, PRESERVE, VALIDATIONS, Site, translate
from generator.refusal import Refused
from kserve_lite.api.marks import Rule

Path = tuple[str, ...]


def structural(model: type[BaseModel], rules: Sequence[Rule] = (), omit: tuple[str, ...] = ()) -> Schema:
    """Return the structural schema of `model` less `omit`, with every rule at each place where its model occurs.

    Raises `Refused` with the Python field for a tuple, a bare Any, a cycle, a union other than `int | str`, or a
    pattern that the API server's engine cannot compile.
    """
    definition = define(model, omit)
    return _Converter(definition, rules, ()).convert(definition.schema, model.__name__)


class _Converter:
    def __init__(self, definition: Definition, rules: Sequence[Rule], inside: Path) -> None:
        self.definition = definition
        self.rules = rules
        self.inside = inside
        """Names of the definitions around this place: meeting one again is a cycle."""

    def convert(self, schema: Any, field: str) -> Schema:
        if not isinstance(schema, Mapping):
            raise Refused(field, f"{schema!r} is not a schema", "say the type")
        node, inside, field = self._inline(dict(schema), self.inside, field)
        node = self._settle_union(node, field)
        node, inside, field = self._inline(node, inside, field)
        node = _settle_type(node, field)
        site = Site(node, field, _Converter(self.definition, self.rules, inside).convert)
        out: Schema = {}
        for keyword, value in node.items():
            out |= translate(keyword, value, site)
        if validations := [*out.get(VALIDATIONS, ()), *self._rules(node)]:
            out[VALIDATIONS] = validations
        return dict(sorted(out.items(), key=lambda item: ORDER[item[0]]))

    def _inline(self, node: Schema, inside: Path, field: str) -> tuple[Schema, Path, str]:
        field = node.get(FIELD, field)
        while "$ref" in node:
            node, name = self.definition.resolve(node)
            if name in inside:
                chain = " -> ".join((*inside[inside.index(name) :], name))
                raise Refused(
                    field, f"the types form a cycle ({chain})", "a CRD is finite: break the recursion"
                )
            inside = (*inside, name)
        return node, inside, field

    def _settle_union(self, node: Schema, field: str) -> Schema:
        """Rewrite pydantic's `anyOf` and `oneOf` into one type or int-or-string, all that is known there."""
        keyword = next((key for key in ("anyOf", "oneOf") if key in node), None)
        if keyword is None or "type" in node or INT_OR_STRING in node:
            return node
        beside = {key: value for key, value in node.items() if key != keyword}
        branches = [branch for branch in node[keyword] if branch.get("type") != "null"]
        if len(branches) == 1:
            return {**branches[0], **beside}
        if "discriminator" in node:
            return {**self._merge_variants(branches, node["discriminator"]["propertyName"], field), **beside}
        types = {branch.get("type") for branch in branches}
        if types <= {"integer", "number", "string"} and "string" in types:
            bounds = {key: value for branch in branches for key, value in branch.items() if key != "type"}
            return {INT_OR_STRING: True, **bounds, **beside}
        raise Refused(
            field, "a union has no structural form", "use one type, int | str, or a discriminated union"
        )

    def _merge_variants(self, branches: list[Schema], tag: str, field: str) -> Schema:
        """All variants' properties side by side; `oneOf` keeps apart which belong together."""
        variants = [self._inline(branch, self.inside, field)[0] for branch in branches]
        properties: Schema = {}
        for variant in variants:
            for name, value in variant["properties"].items():
                own = self.convert(value, f"{field}.{name}") if name != tag else {}
                if properties.setdefault(name, own) != own:
                    raise Refused(
                        field, f"the variants disagree about `{name}`", "give it one type, or two names"
                    )
        one_of = [_variant_only(variant, properties, tag) for variant in variants]
        tags = [value for choice in one_of for value in choice["properties"][tag]["enum"]]
        return {
            "type": "object",
            "properties": {**properties, tag: {"type": "string", "enum": tags}},
            "required": [tag],
            "oneOf": one_of,
        }

    def _rules(self, node: Schema) -> list[Schema]:
        model = self.definition.models.get(node.get(MODEL, ""))
        if model is None:
            return []
        return [_validation(rule) for rule in self.rules if rule.in_crd and issubclass(model, rule.on)]


def _variant_only(variant: Schema, properties: Schema, tag: str) -> Schema:
    own = variant["properties"]
    branch: Schema = {
        "properties": {tag: {"enum": own[tag].get("enum", [own[tag].get("const")])}},
        "required": sorted({tag, *variant.get("required", ())}),
    }
    if foreign := sorted(set(properties) - set(own)):
        branch["not"] = {"anyOf": [{"required": [name]} for name in foreign]}
    return branch


def _settle_type(node: Schema, field: str) -> Schema:
    """Make sure of exactly one type, the only thing that every structural node must say."""
    if INT_OR_STRING in node or PRESERVE in node:
        return node
    if "type" not in node:
        values = node.get("enum", [node["const"]] if "const" in node else [])
        types = {_SCALARS.get(type(value)) for value in values}
        if len(types) != 1 or None in types:
            raise Refused(
                field, "a bare Any has no structural form", "give it a type, or mark it preserve-unknown"
            )
        return {"type": types.pop(), **node}
    if not isinstance(node["type"], str) or node["type"] == "null":
        raise Refused(field, f"the type {node['type']!r} has no structural form", "use one type")
    if node["type"] == "array" and "items" not in node and "prefixItems" not in node:
        raise Refused(field, "a list of Any has no structural form", "give the list an item type")
    return node


_SCALARS: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def _validation(rule: Rule) -> Schema:
    validation = {"rule": rule.cel, "message": f"{rule.id}: {rule.message}; {rule.remedy}"}
    if rule.field is not None and not rule.field.startswith(".metadata"):  # of which a CRD says nothing
        validation["fieldPath"] = rule.field
    return validation
