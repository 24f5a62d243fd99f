"""A chart's values.yaml from its values model: every default, above each key its description in helm-docs style."""

import textwrap
from collections.abc import Mapping
from io import StringIO
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString, SingleQuotedScalarString

from generator.prose import one_line
from generator.yaml_text import is_plain, to_yaml

_WIDTH = 110
_INDENT = 2


def values_yaml(model: type[BaseModel], heading: str) -> str:
    """Return values.yaml of a chart: `heading` as comment, then what Helm shall read as the model's defaults."""
    document = _commented(model(), 0)
    document.yaml_set_start_comment(heading)
    writer = YAML()
    writer.width = 1_000_000
    writer.indent(mapping=_INDENT, sequence=4, offset=2)
    writer.representer.add_representer(type(None), _null)
    out = StringIO()
    writer.dump(document, out)
    return out.getvalue()


def name_of(field: str, info: FieldInfo) -> str:
    """The key under which users write a field."""
    return info.alias or field


def _commented(values: BaseModel, depth: int) -> CommentedMap:
    document = CommentedMap()
    for field, info in type(values).model_fields.items():
        key = name_of(field, info)
        value = getattr(values, field)
        if isinstance(value, BaseModel):
            document[_scalar(key)] = _commented(value, depth + 1)
        else:
            document[_scalar(key)] = _quoted(
                values.model_dump(mode="json", by_alias=True, include={field})[key]
            )
        comment = _comment(info, depth)
        blank_line_above = depth == 0
        document.yaml_set_comment_before_after_key(
            _scalar(key), before=("\n" if blank_line_above else "") + comment, indent=depth * _INDENT
        )
    return document


def _comment(info: FieldInfo, depth: int) -> str:
    width = _WIDTH - depth * _INDENT
    lines = textwrap.wrap(f"-- {one_line(info.description or '')}", width, break_on_hyphens=False)
    for example in info.examples or ():
        lines.append("Example:")
        lines += textwrap.indent(to_yaml(example), "  ").rstrip().splitlines()
    return "\n".join(lines)


def _quoted(value: Any) -> Any:
    """The value with every string marked that a YAML 1.1 reader would take for something else."""
    if isinstance(value, Mapping):
        return CommentedMap({_scalar(key): _quoted(item) for key, item in value.items()})
    if isinstance(value, list):
        return CommentedSeq(_quoted(item) for item in value)
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if not isinstance(value, str) or is_plain(value):
        return value
    if "\n" in value:
        return LiteralScalarString(value) if _fits_a_block(value) else DoubleQuotedScalarString(value)
    return SingleQuotedScalarString(value) if value else DoubleQuotedScalarString(value)


def _fits_a_block(text: str) -> bool:
    """Blocks keep neither leading blanks nor unusual line ends."""
    return text.isprintable() or (not text[0].isspace() and all(c.isprintable() or c == "\n" for c in text))


def _null(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")
