"""What becomes of each JSON Schema keyword in a structural schema: one small function a keyword."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from generator.definition import FIELD, NAMES, Schema
from generator.patterns import fault_of_pattern
from generator.prose import first_sentence
from generator.refusal import Refused

DEFAULTED = "x-kserve-lite-default"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE = "x-kubernetes-list-type"
PRESERVE = "x-kubernetes-preserve-unknown-fields"
VALIDATIONS = "x-kubernetes-validations"

_KEYWORDS = """
type nullable format description default enum pattern minLength maxLength minimum exclusiveMinimum maximum
exclusiveMaximum multipleOf minItems maxItems minProperties maxProperties required properties items
additionalProperties allOf anyOf oneOf not x-kubernetes-embedded-resource x-kubernetes-int-or-string
x-kubernetes-list-map-keys x-kubernetes-list-type x-kubernetes-map-type x-kubernetes-preserve-unknown-fields
x-kubernetes-validations
"""
INTEGER_OR_STRING = [{"type": "integer"}, {"type": "string"}]
ORDER = {keyword: rank for rank, keyword in enumerate(_KEYWORDS.split())}
"""Keywords that a structural schema may hold, in the order in which they are written."""

# Says nothing about which objects are valid.
_SPEECH = {"title", "examples", "example", "deprecated", "readOnly", "writeOnly", "discriminator"} | NAMES
# Known to the API server. Others are pydantic's own names for what the type already says.
_FORMATS = {"int32", "int64", "float", "double", "byte", "date", "date-time", "ipv4", "ipv6", "uuid"}
_OWN_FORMATS = {
    "binary": "byte",
    "uuid4": "uuid",
    "duration": None,
    "uri": None,
    "path": None,
    "password": None,
}


@dataclass(frozen=True)
class Site:
    """Where a keyword stands: its schema, the Python field, and how to convert what lies below."""

    node: Schema
    field: str
    convert: Callable[[Any, str], Schema]

    def below(self, schema: Any, step: str = "") -> Schema:
        """Convert a schema that lies below this one."""
        return self.convert(schema, self.field + step)

    def refused(self, reason: str, remedy: str) -> Refused:
        """The error that stops the generator here."""
        return Refused(self.field, reason, remedy)


def translate(keyword: str, value: Any, site: Site) -> Schema:
    """Return what `keyword` contributes to the structural schema; refuse one that has no structural form."""
    if keyword in _SPEECH or keyword == DEFAULTED:
        return {}
    if keyword in _TRANSLATIONS:
        return _TRANSLATIONS[keyword](value, site)
    if keyword in ORDER:
        return {keyword: value}
    raise site.refused(f"`{keyword}` has no structural form", "declare the field without it")


def _properties(value: Schema, site: Site) -> Schema:
    if not value:
        return {}
    return {"properties": {name: site.below(child, f".{name}") for name, child in value.items()}}


def _items(value: Any, site: Site) -> Schema:
    return {"items": _unspoken(site.below(value, "[]"))}


def _additional_properties(value: Any, site: Site) -> Schema:
    if value is False:
        return {}  # the API server prunes what is not declared, and clients refuse it before that
    if value is True:
        if site.node.get(PRESERVE):
            return {}
        raise site.refused("its values are untyped", "give them a type, or mark it preserve-unknown")
    if site.node.get("properties"):
        raise site.refused("declared and free keys side by side", "give the free keys a field of their own")
    return {"additionalProperties": _unspoken(site.below(value, "{}"))}


def _unspoken(schema: Schema) -> Schema:
    """Without the description: the list's or the map's own says it."""
    return {keyword: value for keyword, value in schema.items() if keyword != "description"}


def _pattern_properties(value: Schema, site: Site) -> Schema:
    if len(value) != 1:
        raise site.refused("several key patterns", "use one pattern for all keys")
    ((pattern, child),) = value.items()
    return _additional_properties(child, site) | _property_names({"pattern": pattern}, site)


def _property_names(value: Schema, site: Site) -> Schema:
    """Keys cannot be typed, only judged by a CEL rule; the API server wants its cost bounded."""
    judged = {keyword: rule for keyword, rule in value.items() if keyword != "type"}
    if unknown := sorted(set(judged) - set(_KEY_TESTS)):
        raise site.refused(f"keys cannot be judged by `{unknown[0]}`", "use a pattern or a length")
    if "maxProperties" not in site.node:
        raise site.refused("a rule on the keys of an unbounded map", "bound the map with max_length")
    _pattern(judged.get("pattern", ""), site)
    cel = " && ".join(_KEY_TESTS[keyword].format(json.dumps(rule)) for keyword, rule in judged.items())
    said = ", ".join(f"{keyword} {rule}" for keyword, rule in judged.items())
    return {VALIDATIONS: [{"rule": f"self.all(key, {cel})", "message": f"every key must satisfy {said}"}]}


_KEY_TESTS = {
    "pattern": "key.matches({})",
    "minLength": "size(key) >= {}",
    "maxLength": "size(key) <= {}",
    "enum": "key in {}",
    "const": "key == {}",
}


def _required(value: list[str], _: Site) -> Schema:
    return {"required": sorted(value)} if value else {}


def _description(value: str, _: Site) -> Schema:
    return {"description": said} if (said := first_sentence(value)) else {}


def _default(value: Any, site: Site) -> Schema:
    """A default of our own field stays in Python unless marked; an embedded shape's is the API's own."""
    return {"default": value} if FIELD not in site.node or site.node.get(DEFAULTED) else {}


def _const(value: Any, _: Site) -> Schema:
    return {"enum": [value]}


def _exclusive_minimum(value: Any, _: Site) -> Schema:
    return {"exclusiveMinimum": True} if value is True else {"minimum": value, "exclusiveMinimum": True}


def _exclusive_maximum(value: Any, _: Site) -> Schema:
    return {"exclusiveMaximum": True} if value is True else {"maximum": value, "exclusiveMaximum": True}


def _any_of(value: list[Schema], site: Site) -> Schema:
    """The mark alone says int-or-string; repeating it in `anyOf` costs 8 KB in an InferenceService."""
    return {} if site.node.get(INT_OR_STRING) and value == INTEGER_OR_STRING else {"anyOf": value}


def _list_type(value: str, _: Site) -> Schema:
    """Lists are atomic unless they say otherwise; saying so costs 13 KB in an InferenceService."""
    return {} if value == "atomic" else {LIST_TYPE: value}


def _unique_items(value: bool, _: Site) -> Schema:
    return {LIST_TYPE: "set"} if value else {}


def _format(value: str, site: Site) -> Schema:
    if value in _FORMATS:
        return {"format": value}
    if value not in _OWN_FORMATS:
        raise site.refused(f"the API server does not know the format {value!r}", "use a pattern")
    known = _OWN_FORMATS[value]
    return {"format": known} if known else {}


def _pattern(value: str, site: Site) -> Schema:
    if fault := fault_of_pattern(value):
        raise site.refused(f"the pattern {value!r} {fault}", "write it without, or as a CEL rule")
    return {"pattern": value}


def _prefix_items(_: Any, site: Site) -> Schema:
    raise site.refused("a tuple has no structural form", "use a list, or an object with named fields")


def _flag(keyword: str) -> Callable[[bool, Site], Schema]:
    return lambda value, _: {keyword: True} if value else {}


_TRANSLATIONS: dict[str, Callable[[Any, Site], Schema]] = {
    "properties": _properties,
    "items": _items,
    "additionalProperties": _additional_properties,
    "patternProperties": _pattern_properties,
    "propertyNames": _property_names,
    "required": _required,
    "description": _description,
    "default": _default,
    "const": _const,
    "exclusiveMinimum": _exclusive_minimum,
    "exclusiveMaximum": _exclusive_maximum,
    "uniqueItems": _unique_items,
    "format": _format,
    "pattern": _pattern,
    "prefixItems": _prefix_items,
    "anyOf": _any_of,
    LIST_TYPE: _list_type,
    "nullable": _flag("nullable"),
}
