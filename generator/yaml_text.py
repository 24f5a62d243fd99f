"""YAML that every reader understands alike: what YAML 1.1 would take for a number or a boolean is quoted.

Helm and the API server read YAML 1.1 with Go's quirks (`on`, `010`, `1e3`), Python tools 1.1 or 1.2. Plain strings are
therefore only those that no version reads as anything else.
"""

import re
from typing import Any

import yaml

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./()-]+)*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}


def is_plain(text: str) -> bool:
    """Whether `text` may stand without quotes in any YAML."""
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS


def to_yaml(value: Any) -> str:
    """Return `value` as block YAML, keys in their order, no anchors, no folded lines."""
    return yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        width=1_000_000,
        allow_unicode=True,
        default_flow_style=False,
    )


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = None if is_plain(value) else ('"' if "\n" in value else "'")
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
