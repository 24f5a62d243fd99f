"""CEL rules as the API server takes them: where they may stand, what they may name, how they speak."""

import re
from collections.abc import Iterator
from typing import Any

from generator.checker.finding import Finding
from generator.checker.walk import Node, walk
from generator.keywords import VALIDATIONS

_REASONS = {"FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"}
_MAX_MESSAGE = 2048
_OLD = re.compile(r"\boldSelf\b")
_KEYWORDS = {"rule", "message", "messageExpression", "reason", "fieldPath", "optionalOldSelf"}


def check_rules(schema: dict[str, Any]) -> Iterator[Finding]:
    """Judge every x-kubernetes-validations; whether the CEL itself is right is for a CEL implementation to say."""
    for node in walk(schema):
        rules = node.schema.get(VALIDATIONS, [])
        if len({rule.get("rule") for rule in rules}) != len(rules):
            yield Finding("cel-twice", node.path, "the same rule stands here twice")
        for rule in rules:
            if node.judging:
                yield Finding("cel-judging", node.path, "no rule may stand inside allOf, anyOf, oneOf, not")
            yield from _check_rule(rule, node)


def _check_rule(rule: dict[str, Any], node: Node) -> Iterator[Finding]:
    cel = rule.get("rule", "")
    message = rule.get("message", "")
    if foreign := sorted(set(rule) - _KEYWORDS):
        yield Finding("cel-keyword", node.path, f"{foreign[0]!r} is no keyword of a rule")
    if not cel.strip():
        yield Finding("cel-empty", node.path, "a rule needs an expression")
    if "\n" in cel.strip() and not message:
        yield Finding("cel-message-missing", node.path, "a rule of several lines needs a message")
    if message and ("\n" in message or not message.strip() or len(message) > _MAX_MESSAGE):
        yield Finding("cel-message", node.path, f"a message is one line of 1 to {_MAX_MESSAGE} characters")
    if rule.get("reason", "FieldValueInvalid") not in _REASONS:
        yield Finding("cel-reason", node.path, f"{rule['reason']!r} is not one of {sorted(_REASONS)}")
    if _OLD.search(cel) and not node.stable:
        yield Finding("cel-old-self", node.path, "oldSelf needs a place where old and new correlate")
    if "fieldPath" in rule and not _declares(node.schema, rule["fieldPath"]):
        yield Finding("cel-field-path", node.path, f"{rule['fieldPath']!r} names no declared field below")


def _declares(schema: dict[str, Any], path: str) -> bool:
    if not path.startswith(".") or "[" in path:
        return False
    node: Any = schema
    for step in path[1:].split("."):
        node = node.get("properties", {}).get(step) or node.get("additionalProperties")
        if not isinstance(node, dict):
            return False
    return True
