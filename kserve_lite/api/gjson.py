"""Conditions of graphs in GJSON's path syntax: the part of it that is understood here, compiled for the router.

A condition holds when its path leads to anything. Keys (with `*`, `?` and `\\`), indexes, `#`, `#.rest`, queries
`#(path op value)` and `#(…)#` with `==`, `!=`, `<`, `<=`, `>`, `>=`, `%`, `!%`, and `@this` are understood, also
`[@this]` in front. Pipes, other modifiers, literals and selections of several paths are refused: none of them has a
use in a condition that these have not. The reference is github.com/tidwall/gjson, SYNTAX.md.
"""

import json
from typing import Any

COMPARISONS = ("==", "!=", "<=", ">=", "!%", "=", "<", ">", "%")
NOT_UNDERSTOOD = {
    "|": "pipes",
    "@": "modifiers other than @this in front",
    "!": "literals",
    "{": "selections of several paths",
    "[": "selections of several paths",
    "~": "comparisons with ~",
}

Compiled = list[list[Any]]


class ConditionError(ValueError):
    """The condition is not understood; the message says where and why."""


def compiled(text: str) -> Compiled:
    """Return the steps of a path as the router takes them: `kserve_lite_server.graph.conditions` says which there are.

    Raises `ConditionError`.
    """
    parser = _Parser(text)
    wrapped = text.startswith("[@this]")
    if wrapped:
        parser.at = len("[@this]")
        if parser.at < len(text):
            parser.expect(".")
    path = parser.path() if parser.at < len(text) else []
    if parser.at < len(text):
        raise parser.error(f"{text[parser.at]!r} is not expected")
    return [["wrap"], *path] if wrapped else path


class _Parser:
    """Reads one condition from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0  # queries that are open

    def error(self, message: str) -> ConditionError:
        """Say where."""
        return ConditionError(f"{message} at character {self.at + 1} of {self.text!r}")

    def expect(self, character: str) -> None:
        """Go past a character that must be here."""
        if self.peek() != character:
            raise self.error(f"{character!r} is missing")
        self.at += 1

    def peek(self, length: int = 1) -> str:
        """Return what is next; empty at the end."""
        return self.text[self.at : self.at + length]

    def path(self) -> Compiled:
        """Read steps up to the end, or inside a query to its comparison or end."""
        steps: Compiled = []
        if self.peek(5) == "@this":
            self.at += 5
            if self.ended():
                return steps
            self.expect(".")
        while True:
            if self.peek() == "#":
                steps.append(self.hash())
            else:
                steps += self.key()
            if self.peek() != ".":
                return steps
            self.at += 1

    def hash(self) -> list[Any]:
        """Read `#`, a query, and for all but a bare `#` at the end the whole rest."""
        self.at += 1
        if self.peek() != "(":
            if self.peek() == ".":
                self.at += 1
                return ["each", self.path()]
            if not self.ended():
                raise self.error("after # comes a dot, a query or the end")
            return ["count"]
        self.at += 1
        query = self.query()
        every = self.peek() == "#"
        self.at += every
        rest: Compiled = []
        if self.peek() == ".":
            self.at += 1
            rest = self.path()
        elif not self.ended():
            raise self.error("after a query comes a dot or the end")
        return ["all" if every else "first", query, rest]

    def query(self) -> dict[str, Any]:
        """Read a query up to its closing bracket."""
        self.depth += 1
        self.blanks()
        path = [] if self.comparison() else self.path()
        self.blanks()
        op = self.comparison()
        query: dict[str, Any] = {"path": path}
        if op:
            self.at += len(op)
            self.blanks()
            query |= {"op": "==" if op == "=" else op, "value": self.value()}
            self.blanks()
        elif not path:
            raise self.error("the query is empty")
        if self.peek() != ")":
            raise self.error("the query does not end")
        self.at += 1
        self.depth -= 1
        return query

    def comparison(self) -> str:
        """Return the comparison that is next; empty when none is."""
        return next((op for op in COMPARISONS if self.text.startswith(op, self.at)), "")

    def value(self) -> str:
        """Read what a query compares with: a word up to the bracket, or a text in quotes."""
        if self.peek() == "~":
            raise self.error("comparisons with ~ are not understood")
        if self.peek() == '"':
            try:
                value, end = json.JSONDecoder().raw_decode(self.text, self.at)
            except ValueError:
                raise self.error("the text in quotes does not end") from None
            self.at = end
            return str(value)
        start, depth = self.at, 0
        while self.peek() and (depth or self.peek() != ")"):
            if self.peek() == '"':
                raise self.error("a quote inside a word is not understood")
            depth += {"(": 1, ")": -1}.get(self.peek(), 0)
            self.at += 1
        return self.text[start : self.at].strip()

    def key(self) -> Compiled:
        """Read a key up to the next dot."""
        if self.peek() in NOT_UNDERSTOOD and self.peek():
            raise self.error(f"{NOT_UNDERSTOOD[self.peek()]} are not understood")
        raw = plain = ""
        wild = False
        while not self.ended() and self.peek() != ".":
            character = self.peek()
            if character == "|":
                raise self.error("pipes are not understood")
            if not self.depth and self.comparison() and character != "!":
                raise self.error("a comparison stands in a query, as in [@this].#(key==value); found it")
            if character == "\\":
                if len(self.peek(2)) < 2:
                    raise self.error("after \\ comes a character")
                raw += self.peek(2)
                plain += self.peek(2)[1]
                self.at += 2
                continue
            wild |= character in "*?"
            raw += character
            plain += character
            self.at += 1
        if not raw:
            raise self.error("a key is missing")
        return [["match", raw]] if wild else [["key", plain]]

    def ended(self) -> bool:
        """Whether the path ends here."""
        if self.depth and self.peek() == " ":
            after = len(self.text) - len(self.text[self.at :].lstrip(" "))
            if self.text.startswith((")", *COMPARISONS), after):
                self.at = after
        character = self.peek()
        return not character or (self.depth > 0 and (character == ")" or bool(self.comparison())))

    def blanks(self) -> None:
        """Go past blanks."""
        while self.peek() == " ":
            self.at += 1
