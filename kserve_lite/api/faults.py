"""Turn what pydantic finds into problems: the path as the user wrote it, our sentence, the nearest known name."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kserve_lite.api.paths import Path, dotted
from kserve_lite.api.problems import Problem

SHOWN_NAMES = 12


def faults(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Return one problem for every fault of a value that does not fit `model`."""
    return [problem(details, model) for details in error.errors(include_url=False)]


def problem(details: ErrorDetails, model: type[BaseModel]) -> Problem:
    """Say one fault in our words."""
    path: Path = details["loc"]
    if details["type"] == "extra_forbidden":
        return Problem(
            "unknown_field", dotted(path), "this field does not exist", unknown_remedy(path, model)
        )
    if details["type"] == "missing":
        return Problem("missing_field", dotted(path), "this field is required", f"add `{path[-1]}`")
    code, sentence, remedy = SENTENCES.get(details["type"], invalid)(details)
    return Problem(code, dotted(path), sentence, remedy)


def unknown_remedy(path: Path, model: type[BaseModel]) -> str:
    """Name the field that was probably meant: the same name one level up or down, or the nearest name here."""
    name = str(path[-1])
    siblings = properties(model, path[:-1])
    for above in range(len(path) - 2, -1, -1):
        if name in properties(model, path[:above]):
            return f"`{name}` belongs under {dotted(path[:above]) or 'the top level'}"
    for child in siblings:
        if name in properties(model, (*path[:-1], child)):
            return f"`{name}` belongs under {dotted((*path[:-1], child))}"
    if close := nearest(name, siblings):
        return f"did you mean `{close}`?"
    if 0 < len(siblings) <= SHOWN_NAMES:
        return f"known here: {', '.join(sorted(siblings))}"
    return "remove it"


def nearest(name: str, known: list[str]) -> str | None:
    """Return the known name closest to `name`, letter case aside."""
    folded = {one.lower(): one for one in known}
    close = get_close_matches(name.lower().replace("_", ""), folded, n=1, cutoff=0.75)
    return folded[close[0]] if close else None


def properties(model: type[BaseModel], path: Path) -> list[str]:
    """Return the names of the fields that an object at `path` may have, most telling first."""
    root = json_schema(model)
    node: dict[str, Any] | None = root
    for step in path:
        if node is None:
            return []
        node = next(
            (found for one in alternatives(node, root) if (found := below(one, step)) is not None), None
        )
    return [name for one in alternatives(node or {}, root) for name in one.get("properties", {})]


def alternatives(node: dict[str, Any], root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas that a node stands for, references followed."""
    if "$ref" in node:
        yield from alternatives(root["$defs"][node["$ref"].rsplit("/", 1)[1]], root)
    elif "anyOf" in node:
        for one in node["anyOf"]:
            yield from alternatives(one, root)
    else:
        yield node


def below(node: dict[str, Any], step: str | int) -> dict[str, Any] | None:
    """Return the schema of an item or a field."""
    if isinstance(step, int):
        return node.get("items")
    if step in node.get("properties", {}):
        found: dict[str, Any] = node["properties"][step]
        return found
    more = node.get("additionalProperties")
    return more if isinstance(more, dict) else None


@cache
def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a definition; slow, so only made once something is wrong."""
    return model.model_json_schema(by_alias=True)


Sentence = tuple[str, str, str]


def expected(what: str, remedy: str = "") -> Callable[[ErrorDetails], Sentence]:
    """Return a sentence about a value of the wrong type."""

    def say(details: ErrorDetails) -> Sentence:
        given = details["input"]
        quote = "" if isinstance(given, dict | list) else f" {shown(given)}"
        return "wrong_type", f"must be {what}, not {kind(given)}{quote}", remedy

    return say


def shown(value: Any) -> str:
    """Return a scalar as YAML writes it, shortened."""
    text = {True: "true", False: "false"}.get(value, repr(value)) if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def kind(value: Any) -> str:
    """Name the type of a value in YAML's words."""
    match value:
        case bool():
            return "the boolean"
        case int() | float():
            return "the number"
        case str():
            return "the text"
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return type(value).__name__


def invalid(details: ErrorDetails) -> Sentence:
    """Say what pydantic says, for the kinds of fault that need no better words."""
    message = details["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    must = "must be " if details["msg"].startswith("Input should be ") else ""
    return "invalid_value", f"{must}{message}", ""


def choice(details: ErrorDetails) -> Sentence:
    """Name the allowed values and the nearest of them."""
    allowed = str(details["ctx"]["expected"])
    close = nearest(
        str(details["input"]), [one.strip("' ") for one in allowed.replace(" or ", ",").split(",")]
    )
    remedy = f"did you mean `{close}`?" if close else ""
    return "invalid_value", f"must be {allowed}, not {shown(details['input'])}", remedy


def either(details: ErrorDetails) -> Sentence:
    """Say that a whole number or text is wanted, and what to do with a fraction."""
    what = str(details["ctx"]["what"])
    remedy = f'write it in quotes: "{details["input"]}"' if isinstance(details["input"], float) else ""
    return "wrong_type", f"must be {what}, not {shown(details['input'])}", remedy


def quantity(details: ErrorDetails) -> Sentence:
    """Say what a quantity looks like."""
    return "invalid_value", f"must be {details['ctx']['what']}, not {shown(details['input'])}", ""


def pattern(details: ErrorDetails) -> Sentence:
    """Show the pattern."""
    return "invalid_value", f"{shown(details['input'])} must match {details['ctx']['pattern']}", ""


SENTENCES: dict[str, Callable[[ErrorDetails], Sentence]] = {
    "string_type": expected("text", "write it in quotes"),
    "int_type": expected("a whole number", "write it without quotes"),
    "int_from_float": expected("a whole number"),
    "float_type": expected("a number"),
    "bool_type": expected("true or false"),
    "dict_type": expected("a mapping"),
    "model_type": expected("a mapping"),
    "model_attributes_type": expected("a mapping"),
    "list_type": expected("a list", "begin each item with `- `"),
    "literal_error": choice,
    "int_or_string": either,
    "quantity": quantity,
    "string_pattern_mismatch": pattern,
    "duplicate_item": lambda details: ("duplicate_item", details["msg"], "keep one of them"),
}
