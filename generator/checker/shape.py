"""Structural shape: one type everywhere, no references, nothing about shape where only values are judged."""

from collections.abc import Callable, Iterator
from typing import Any

from generator.checker.finding import Finding
from generator.checker.walk import JUNCTORS, Node, walk
from generator.keywords import INT_OR_STRING, ORDER, PRESERVE
from generator.patterns import fault_of_pattern

_TYPES = {"object", "array", "string", "integer", "number", "boolean"}
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_FORBIDDEN = {
    "$ref",
    "$schema",
    "id",
    "definitions",
    "patternProperties",
    "additionalItems",
    "dependencies",
}
_SPEECH = {"title", "example", "externalDocs"}
_SHAPE_KEYWORDS = ("type", "default", "description", "title", "nullable", "additionalProperties")
_INT_OR_STRING_BRANCHES = [{"type": "integer"}, {"type": "string"}]
_METADATA = {"name", "generateName"}
_SIZES = (("minLength", "maxLength"), ("minItems", "maxItems"), ("minProperties", "maxProperties"))


def check_shape(schema: dict[str, Any]) -> Iterator[Finding]:
    """Judge a version's schema by the rules that make it structural."""
    if schema.get("type") != "object":
        yield Finding("root-object", "", "the root must have type object")
    if "additionalProperties" in schema:
        yield Finding("root-closed", "", "additionalProperties is forbidden at the root")
    if schema.get("nullable"):
        yield Finding("root-nullable", "", "the root cannot be nullable")
    yield from _check_metadata(schema.get("properties", {}).get("metadata"))
    for node in walk(schema):
        for judge in _JUDGES:
            yield from judge(node)


def _check_metadata(metadata: Any) -> Iterator[Finding]:
    if not isinstance(metadata, dict):
        return
    if metadata.get("type") != "object" or set(metadata) - {"type", "description", "properties"}:
        yield Finding("metadata-shape", ".metadata", "may only be an object with properties")
    if foreign := sorted(set(metadata.get("properties", {})) - _METADATA):
        yield Finding(
            "metadata-fields", f".metadata.{foreign[0]}", "only name and generateName can be restricted"
        )


def _check_keywords(node: Node) -> Iterator[Finding]:
    for keyword in node.schema:
        if keyword in _FORBIDDEN:
            yield Finding("forbidden-keyword", node.path, f"{keyword!r} is forbidden in a structural schema")
        elif keyword not in ORDER and keyword not in _SPEECH:
            yield Finding(
                "dropped-keyword", node.path, f"{keyword!r} is unknown to the API server, which drops it"
            )
    if node.schema.get("uniqueItems"):
        yield Finding("unique-items", node.path, "uniqueItems is forbidden: use x-kubernetes-list-type: set")


def _check_type(node: Node) -> Iterator[Finding]:
    if node.judging:
        return
    kind = node.schema.get("type")
    flexible = node.schema.get(INT_OR_STRING) or node.schema.get(PRESERVE)
    if kind is None and not flexible:
        yield Finding(
            "type-missing", node.path, "a type is required unless int-or-string or preserve-unknown"
        )
    if kind is not None and (not isinstance(kind, str) or kind not in _TYPES):
        yield Finding("type-unknown", node.path, f"{kind!r} is not one of {sorted(_TYPES)}")


def _check_int_or_string(node: Node) -> Iterator[Finding]:
    schema = node.schema
    marked = schema.get(INT_OR_STRING)
    if marked not in (None, True):
        yield Finding("int-or-string-false", node.path, f"{INT_OR_STRING} is true or absent")
    if marked and "type" in schema:
        yield Finding("int-or-string-typed", node.path, "int-or-string must have no type")
    first_all = (schema.get("allOf") or [{}])[0]
    for branches in (schema.get("anyOf"), first_all.get("anyOf") if isinstance(first_all, dict) else None):
        typed = isinstance(branches, list) and any(isinstance(b, dict) and "type" in b for b in branches)
        if typed and branches == _INT_OR_STRING_BRANCHES and not marked and not node.judging:
            yield Finding("int-or-string-unmarked", node.path, f"integer and string need {INT_OR_STRING}")


def _check_array(node: Node) -> Iterator[Finding]:
    items = node.schema.get("items")
    if isinstance(items, list):
        yield Finding("items-list", node.path, "items must be one schema")
    elif items is None and node.schema.get("type") == "array" and not node.judging:
        yield Finding("items-missing", node.path, "an array needs items")


def _check_object(node: Node) -> Iterator[Finding]:
    additional = node.schema.get("additionalProperties")
    if additional is False:
        yield Finding(
            "closed-object", node.path, "additionalProperties: false is forbidden: pruning does that"
        )
    if node.schema.get("properties") and additional is not None:
        yield Finding("properties-xor", node.path, "properties and additionalProperties exclude each other")
    preserve = node.schema.get(PRESERVE)
    if preserve not in (None, True):
        yield Finding("preserve-false", node.path, f"{PRESERVE} is true or absent")
    if node.schema.get("x-kubernetes-embedded-resource"):
        if node.schema.get("type") != "object":
            yield Finding("embedded-type", node.path, "an embedded resource has type object")
        if not preserve and not node.schema.get("properties"):
            yield Finding(
                "embedded-empty", node.path, "an embedded resource needs properties or preserve-unknown"
            )


def _check_judging(node: Node) -> Iterator[Finding]:
    """Inside allOf, anyOf, oneOf and not, values may be judged; shape must be said outside."""
    if not node.judging or _is_int_or_string_branch(node):
        return
    for keyword in node.schema:
        if keyword in _SHAPE_KEYWORDS:
            yield Finding(
                "junctor-shape", node.path, f"{keyword!r} is forbidden inside allOf, anyOf, oneOf, not"
            )
        elif keyword.startswith("x-kubernetes-"):
            yield Finding(
                "junctor-extension", node.path, f"{keyword!r} is forbidden inside allOf, anyOf, oneOf, not"
            )


def _is_int_or_string_branch(node: Node) -> bool:
    owner = node.parent
    while owner is not None and owner.judging:
        owner = owner.parent
    return (
        owner is not None
        and bool(owner.schema.get(INT_OR_STRING))
        and node.schema in _INT_OR_STRING_BRANCHES
        and node.parent is not None
        and node.parent.schema.get("anyOf") == _INT_OR_STRING_BRANCHES
        and node.path.removeprefix(owner.path).startswith((".anyOf[", ".allOf[0].anyOf["))
    )


def _check_declared_outside(node: Node) -> Iterator[Finding]:
    """What a junctor names must be declared beside it: nothing else survives pruning."""
    if node.judging:
        return
    for junctor in (*JUNCTORS, "not"):
        branches = node.schema.get(junctor, [])
        for branch in branches if isinstance(branches, list) else [branches]:
            yield from _undeclared(branch, node.schema, f"{node.path}.{junctor}")


def _undeclared(judge: Any, outside: dict[str, Any], path: str) -> Iterator[Finding]:
    if not isinstance(judge, dict):
        return
    for name, child in judge.get("properties", {}).items():
        if (declared := outside.get("properties", {}).get(name)) is None:
            yield Finding("junctor-undeclared", f"{path}.{name}", "is judged but not declared outside")
        else:
            yield from _undeclared(child, declared, f"{path}.{name}")
    if "items" in judge:
        if "items" not in outside:
            yield Finding("junctor-undeclared", f"{path}[]", "is judged but not declared outside")
        else:
            yield from _undeclared(judge["items"], outside["items"], f"{path}[]")
    for junctor in (*JUNCTORS, "not"):
        branches = judge.get(junctor, [])
        for branch in branches if isinstance(branches, list) else [branches]:
            yield from _undeclared(branch, outside, f"{path}.{junctor}")


def _check_bounds(node: Node) -> Iterator[Finding]:
    schema = node.schema
    for keyword in ("exclusiveMinimum", "exclusiveMaximum"):
        if keyword in schema and not isinstance(schema[keyword], bool):
            yield Finding("exclusive-number", node.path, f"{keyword} is a boolean in OpenAPI v3.0")
        elif schema.get(keyword) and keyword.replace("exclusiveM", "m") not in schema:
            yield Finding(
                "exclusive-alone", node.path, f"{keyword} needs {keyword.replace('exclusiveM', 'm')}"
            )
    for low, high in _SIZES:
        for keyword in (low, high):
            if keyword in schema and (not isinstance(schema[keyword], int) or schema[keyword] < 0):
                yield Finding("size-negative", node.path, f"{keyword} must be 0 or more")
        if low in schema and high in schema and schema[low] > schema[high]:
            yield Finding("size-order", node.path, f"{low} exceeds {high}")
    if "multipleOf" in schema and not schema["multipleOf"] > 0:
        yield Finding("multiple-of", node.path, "multipleOf must be positive")


def _check_pattern(node: Node) -> Iterator[Finding]:
    if "pattern" in node.schema and (fault := fault_of_pattern(node.schema["pattern"])):
        yield Finding("pattern", node.path, f"the pattern {fault}")


def _check_enum(node: Node) -> Iterator[Finding]:
    values = node.schema.get("enum")
    if values is None:
        return
    if not isinstance(values, list) or not values:
        yield Finding("enum-empty", node.path, "enum must list values")
        return
    allowed = _JSON_TYPES.get(node.schema.get("type", ""))
    for value in values:
        if values.count(value) > 1:
            yield Finding("enum-twice", node.path, f"{value!r} is listed twice")
        if allowed and (not isinstance(value, allowed) or isinstance(value, bool) != (allowed == (bool,))):
            yield Finding("enum-type", node.path, f"{value!r} is not of the type {node.schema['type']}")


def _check_required(node: Node) -> Iterator[Finding]:
    if node.judging:
        return
    required = node.schema.get("required", [])
    if len(set(required)) != len(required):
        yield Finding("required-twice", node.path, "required names a field twice")
    if "additionalProperties" in node.schema or node.schema.get(PRESERVE):
        return
    for name in required:
        if name not in node.schema.get("properties", {}):
            yield Finding(
                "required-undeclared", f"{node.path}.{name}", "is required, but pruned since not declared"
            )


_JUDGES: tuple[Callable[[Node], Iterator[Finding]], ...] = (
    _check_keywords,
    _check_type,
    _check_int_or_string,
    _check_array,
    _check_object,
    _check_judging,
    _check_declared_outside,
    _check_bounds,
    _check_pattern,
    _check_enum,
    _check_required,
)
