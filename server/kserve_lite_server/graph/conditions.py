"""Conditions on a JSON value, as the definitions compile them from GJSON: does the path lead to anything?

A path is a list of steps, each `[kind, …]`: `key`, `match` (a key with wildcards), `wrap` (into a list of one),
`count` (`#`), `each` (`#.rest`), `first` (`#(query).rest`) and `all` (`#(query)#.rest`). A query is
`{"path": …, "op": "==", "value": text}`, without op for mere existence. Comparisons are GJSON's: with a text as texts,
with a number as numbers, where a text that is no number counts as 0.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

MISSING = object()
Path = Sequence[Sequence[Any]]


def exists(value: Any, path: Path) -> bool:
    """Whether `path` leads to anything in `value`."""
    return find(value, path) is not MISSING


def find(value: Any, path: Path) -> Any:
    """What `path` leads to, or MISSING."""
    for index, step in enumerate(path):
        match step[0]:
            case "key":
                value = child(value, step[1])
                if value is MISSING:
                    return MISSING
            case "match":
                return first_match(value, step[1], path[index + 1 :])
            case "wrap":
                value = [value]
            case "count":
                return len(value) if isinstance(value, list) else MISSING
            case "each":
                if not isinstance(value, list):
                    return MISSING
                found = (find(item, step[1]) for item in value if isinstance(item, dict | list))
                return [one for one in found if one is not MISSING]
            case "first" | "all":
                return query(value, step[0] == "all", step[1], step[2])
            case kind:
                raise ValueError(f"unknown step {kind!r} of a condition")
    return value


def child(value: Any, name: str) -> Any:
    """The member of an object, or the item of a list."""
    if isinstance(value, dict):
        return value.get(name, MISSING)
    if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    return MISSING


def first_match(value: Any, pattern: str, rest: Path) -> Any:
    """Follow the first key that fits and leads on."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if glob(pattern)(key) and (found := find(inner, rest)) is not MISSING:
                return found
    return MISSING


def query(value: Any, every: bool, wanted: Mapping[str, Any], rest: Path) -> Any:
    """The first item of a list that answers a query, or all of them, each followed further."""
    if not isinstance(value, list):
        return MISSING
    found = (find(item, rest) for item in value if answers(item, wanted))
    if every:
        return [one for one in found if one is not MISSING]
    return next(found, MISSING)


def answers(item: Any, wanted: Mapping[str, Any]) -> bool:
    """Whether one item answers a query."""
    path = wanted["path"]
    if isinstance(item, dict | list):
        item = find(item, path) if path else MISSING
    elif path:
        return False
    if item is MISSING:
        return False
    op = wanted.get("op")
    return op is None or compare(item, op, wanted["value"])


def compare(value: Any, op: str, text: str) -> bool:
    """Compare as GJSON does."""
    if isinstance(value, str):
        if op in ("%", "!%"):
            return glob(text)(value) is (op == "%")
        return ORDER[op](value, text) if op in ORDER else False
    if isinstance(value, bool):
        # What GJSON does not list is false, such as true <= true.
        word, other = ("true", "false") if value else ("false", "true")
        strict, loose = (">", ">=") if value else ("<", "<=")
        return {"==": text == word, "!=": text != word, strict: text == other, loose: True}.get(op, False)
    if isinstance(value, int | float):
        return ORDER[op](float(value), number(text)) if op in ORDER else False
    return False


ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def number(text: str) -> float:
    """Read a number; 0 for any other text."""
    try:
        return float(text)
    except ValueError:
        return 0.0


@cache
def glob(pattern: str) -> Callable[[str], bool]:
    r"""A test for `*` (any text), `?` (one character) and `\` (the next character as it is)."""
    parts = [
        ".*" if token == "*" else "." if token == "?" else re.escape(token.removeprefix("\\") or "\\")
        for token in re.findall(r"\\.|.", pattern, re.DOTALL)
    ]
    compiled = re.compile("".join(parts), re.DOTALL)
    return lambda text: compiled.fullmatch(text) is not None
