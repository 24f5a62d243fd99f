"""Small predicates that rules of several kinds use, each with its CEL."""

import re
from typing import Any


def matches(pattern: str, text: str) -> bool:
    """Return what CEL's `matches` does for an anchored pattern (Python's `$` would let a line end pass)."""
    return (
        re.search(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern, text) is not None
    )


def named(items: Any, name: str) -> bool:
    """Return whether one of some containers or variables has a name."""
    return any(item.get("name") == name for item in items or ())


def cel_no_variable(variables: str, name: str) -> str:
    """CEL: among the environment `variables` there is none of that name."""
    return f"(!has({variables}) || {variables}.all(e, e.name != '{name}'))"


def cel_given(*fields: str) -> str:
    """CEL: one entry for each field of `self` that is given."""
    return f"[{', '.join(f'has(self.{field})' for field in fields)}].filter(given, given)"
