"""YAML and JSON text to plain values, with the line and column of every key, read as kubectl reads them.

kubectl follows YAML 1.1: `yes`, `on` and `010` are a boolean, a boolean and eight. A manifest must not mean one
thing on a laptop and another on a cluster, so scalars are resolved here by the same table.
"""

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kserve_lite.api.parsed import Parsed
from kserve_lite.api.paths import Path, dotted
from kserve_lite.api.problems import Place, Problem

MAX_VALUES = 200_000
"""More values than this in one document mean aliases that multiply each other, not a manifest."""

NULLS = {"", "~", "null", "Null", "NULL"}
TRUE = {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}
FALSE = {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
INTEGER = re.compile(r"^[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)$")
FLOAT = re.compile(r"^[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)([eE][-+]?[0-9]+)?$")
TAGGED_TEXT = re.compile(r"^(&\S+\s+)?!!str\s")
NOT_FINITE = re.compile(r"^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$")


def parse(text: str, file: str) -> Iterator[Parsed]:
    """Yield every document of `text` that is not empty; what cannot be read comes as a document with problems."""
    try:
        for node in YAML(typ="safe", pure=True).compose_all(text):
            if node is not None and not (isinstance(node, ScalarNode) and scalar(node, text) is None):
                yield Builder(text, file).build(node)
    except MarkedYAMLError as error:
        yield refused(error, text, file)
    except YAMLError as error:
        yield broken(
            Place(file),
            "yaml_syntax",
            f"this is not YAML: {' '.join(str(error).split())}",
            "save it as UTF-8 text",
        )


def refused(error: MarkedYAMLError, text: str, file: str) -> Parsed:
    """Say where the reader stopped, and that a tab is the reason where it is one."""
    mark = error.problem_mark or error.context_mark
    read = text.splitlines()[: mark.line + 1] if mark else []
    for number, line in enumerate(read, start=1):
        if "\t" in (indent := line[: len(line) - len(line.lstrip())]):
            place = Place(file, number, indent.index("\t") + 1)
            return broken(place, "yaml_tab", "the line is indented with a tab", "indent with spaces")
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    sentence = " ".join(filter(None, (error.context, error.problem)))
    return broken(
        place, "yaml_syntax", f"this is not YAML: {sentence}", "check quotes, brackets and indentation here"
    )


def broken(place: Place, code: str, message: str, remedy: str) -> Parsed:
    """Return a document of which only the problem is known."""
    return Parsed(None, {"": place}, [Problem(code, "", message, remedy, place)])


class Builder:
    """Turns the nodes of one document into values."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.parsed = Parsed(None, {})
        self.count = 0

    def build(self, root: Node) -> Parsed:
        """Return the document; faults that do not stop it (a key given twice) are among its problems."""
        try:
            self.parsed.value = self.value(root, (), self.place(root), ())
        except TooDeep as fault:
            self.fault(fault.path, "yaml_alias", fault.args[0], "write the repeated part out")
        return self.parsed

    def value(self, node: Node, path: Path, place: Place, above: tuple[Node, ...]) -> Any:
        """Return the plain value of `node` and note where it and everything below it stands."""
        self.parsed.places.setdefault(dotted(path), place)
        self.count += 1
        if self.count > MAX_VALUES:
            raise TooDeep(path, f"the document unfolds to more than {MAX_VALUES} values through its aliases")
        if any(node is parent for parent in above):
            raise TooDeep(path, "the alias refers to a value that contains it")
        if isinstance(node, MappingNode):
            return self.mapping(node, path, (*above, node))
        if isinstance(node, SequenceNode):
            return [
                self.value(item, (*path, i), self.place(item), (*above, node))
                for i, item in enumerate(node.value)
            ]
        assert isinstance(node, ScalarNode)
        return scalar(node, self.text)

    def mapping(self, node: MappingNode, path: Path, above: tuple[Node, ...]) -> dict[str, Any]:
        """Return a mapping; `<<` merges below the keys that are written out."""
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = self.place(key_node)
            if key_node.tag.endswith(":merge") or (key_node.value == "<<" and not key_node.style):
                sources = value_node.value if isinstance(value_node, SequenceNode) else [value_node]
                for source in sources:
                    if isinstance(source, MappingNode):
                        merged = self.value(source, path, place, above) | merged
                    else:
                        self.fault(
                            path, "yaml_syntax", "`<<` takes a mapping", "merge an anchor of a mapping", place
                        )
                continue
            key = key_node.value if isinstance(key_node, ScalarNode) else None
            if key is None:
                self.fault(path, "yaml_key", "a key must be plain text", "write the key as one word", place)
                continue
            if key in result:
                first = self.parsed.places[dotted((*path, key))]
                message = f"the key is given twice, first on line {first.line}"
                self.fault((*path, key), "duplicate_key", message, "keep one of the two", place)
                continue
            self.parsed.places[dotted((*path, key))] = place
            result[key] = self.value(value_node, (*path, key), place, above)
        return merged | result

    def place(self, node: Node) -> Place:
        """Return where `node` starts."""
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def fault(self, path: Path, code: str, message: str, remedy: str, place: Place | None = None) -> None:
        """Note a problem at `path`."""
        at = dotted(path)
        self.parsed.problems.append(Problem(code, at, message, remedy, place or self.parsed.place(at)))


class TooDeep(Exception):
    """The document cannot be unfolded."""

    def __init__(self, path: Path, message: str) -> None:
        self.path = path
        super().__init__(message)


def scalar(node: ScalarNode, source: str) -> bool | int | float | str | None:
    """Resolve one scalar as kubectl does; quoted or tagged text stays text."""
    text: str = node.value
    if node.style or TAGGED_TEXT.match(source[node.start_mark.index : node.end_mark.index]):
        return text
    if text in NULLS:
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    if INTEGER.match(text):
        return integer(text.replace("_", ""))
    if FLOAT.match(text):
        return float(text.replace("_", ""))
    if NOT_FINITE.match(text):
        return float(text.replace(".", ""))
    return text


def integer(text: str) -> int:
    """Read an integer; a leading zero means octal, as Go's YAML 1.1 reader has it."""
    digits = text.lstrip("+-")
    base = {"0x": 16, "0b": 2, "0o": 8}.get(digits[:2].lower(), 8 if digits.startswith("0") else 10)
    return int(text, base if digits[:2].lower() in {"0x", "0b", "0o"} or base == 10 else 8)
