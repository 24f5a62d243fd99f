"""Kubernetes quantities: `1000m` and `1` are the same amount, and the API server prefers the second."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_SUFFIX = {
    "": 0, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}  # fmt: skip
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?")


def parse(text: str | int | float) -> Decimal | None:
    """The amount that a quantity stands for, or None if it is not one."""
    match = _FORM.fullmatch(str(text))
    if match is None:
        return None
    number, suffix, exponent = match.groups()
    if suffix in _BINARY:
        return Decimal(number) * Decimal(2 ** _BINARY[suffix])
    return Decimal(number).scaleb(int(exponent) if exponent else _SUFFIX[suffix or ""])


def same_quantity(one: Any, other: Any) -> bool:
    """Whether two scalars are one amount, however spelt; what is no quantity is compared as it is."""
    if one == other:
        return True
    if not isinstance(one, str | int | float) or not isinstance(other, str | int | float):
        return False
    amount = parse(one)
    return amount is not None and amount == parse(other)
