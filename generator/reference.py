"""docs/reference: one page a kind with every field of every definition, and one with all validation rules."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from generator.definition import FIELD, MODEL, Definition, Schema, define
from generator.markdown import cell, generated, table, type_of
from generator.prose import one_line
from kserve_lite.api.marks import Kind, Rule


def kind_page(kind: Kind, rules: Sequence[Rule]) -> str:
    """Return the page of one kind: how it is registered, then a section for each definition below it."""
    definition = define(kind.model, omit=("apiVersion", "kind", "metadata"))
    names = ", ".join(f"`{name}`" for name in (kind.plural, *kind.short_names))
    parts = [
        generated(kind.name),
        f"{one_line(kind.model.__doc__ or '')}\n\n",
        f"`apiVersion: {kind.api_version}`, {kind.scope.lower()}; for kubectl {names}.",
        " `/status` is a subresource.\n" if kind.status else "\n",
    ]
    for node in _sections(definition):
        parts.append(_section(node, definition, rules))
    return "".join(parts)


def rules_page(rules: Sequence[Rule]) -> str:
    """Return the page of all validation rules, in the order of their ids."""
    rows = [
        (f"`{rule.id}`", f"{rule.on.__name__}{rule.field or ''}", rule.message, rule.remedy) for rule in rules
    ]
    return (
        generated("Validation rules")
        + "The API server and `kserve-lite validate` run the same rules and say the same.\n\n"
        + table(("Rule", "On", "Message", "Remedy"), rows)
    )


def _sections(definition: Definition) -> Iterator[Schema]:
    """Yield each definition once, those near the root first."""
    waiting: list[Schema] = [_resolved(definition.schema, definition)]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop(0)
        if node[MODEL] in seen:
            continue
        seen.add(node[MODEL])
        yield node
        for child in node.get("properties", {}).values():
            waiting += [_resolved(found, definition) for found in _definitions_in(child)]


def _definitions_in(node: Any) -> Iterator[Schema]:
    """Yield the references to definitions of ours in a field, whatever list, map or union holds them."""
    if isinstance(node, list):
        for child in node:
            yield from _definitions_in(child)
    elif isinstance(node, dict):
        if "$ref" in node:
            yield node
        for key in ("items", "additionalProperties", "anyOf", "oneOf"):
            yield from _definitions_in(node.get(key))
        yield from _definitions_in(list(node.get("patternProperties", {}).values()))


def _resolved(node: Schema, definition: Definition) -> Schema:
    while "$ref" in node:
        node, _ = definition.resolve({"$ref": node["$ref"]})
    return node


def _section(node: Schema, definition: Definition, rules: Sequence[Rule]) -> str:
    model = definition.models[node[MODEL]]
    required = set(node.get("required", ()))
    rows = []
    for name, field in node.get("properties", {}).items():
        text = field.get("description") or _resolved(field, definition).get("description", "")
        flag = "required" if name in required else _default(field)
        rows.append((f"`{name}`", cell(_type(field, definition)), flag, cell(one_line(text))))
    section = f"\n## {model.__name__}\n\n{one_line(model.__doc__ or '')}\n\n"
    section += table(("Field", "Type", "Default", "Description"), rows)
    stated = [
        f"- `{rule.id}`: {rule.message}; {rule.remedy}.\n" for rule in rules if issubclass(model, rule.on)
    ]
    return section + ("\n" + "".join(stated) if stated else "")


def _default(field: Schema) -> str:
    value = field.get("default")
    return "" if value is None else f"`{json.dumps(value)}`"


def _type(field: Schema, definition: Definition) -> str:
    """The type in words; a definition of ours by a link to its section."""
    references = [
        definition.models[_resolved(ref, definition)[MODEL]].__name__ for ref in _definitions_in(field)
    ]
    kind = type_of({key: value for key, value in field.items() if key != FIELD}, definition)
    if len(references) == 1 and kind.endswith("object"):
        name = references[0]
        return kind.removesuffix("object") + f"[{name}](#{name.lower()})"
    return kind
