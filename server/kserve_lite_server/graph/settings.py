"""How a router is set up: what is not part of the graph."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

MEBI = 1024 * 1024
CHOICES = {"log_format": ("auto", "json", "text"), "log_level": ("DEBUG", "INFO", "WARNING", "ERROR")}


class Settings(NamedTuple):
    """Everything that the flags decide. No dataclass: a class of those costs a router's start a millisecond."""

    graph: str | os.PathLike[str]
    host: str = "0.0.0.0"
    http_port: int = 8080
    max_request_bytes: int = 64 * MEBI
    max_response_bytes: int = 64 * MEBI
    max_held_bytes: int = 256 * MEBI
    max_in_flight: int = 1024
    drain_timeout: float = 30.0
    log_format: str = "auto"
    log_level: str = "INFO"
    log_lines_per_second: int = 10


KINDS: dict[str, Any] = {name: type(default) for name, default in Settings._field_defaults.items()}


def read_settings(arguments: Sequence[str]) -> Settings:
    """Read the flags (`--http_port` or `--http-port`); a mistake ends the process with status 2."""
    if (plain := _plain(arguments)) is not None:
        return plain
    from kserve_lite_server.graph.flags import parse

    return parse(arguments)


def _plain(arguments: Sequence[str]) -> Settings | None:
    """The settings when all flags are plain and right, as a controller writes them.

    None leaves the rest, from `--help` to every mistake, to argparse, which is a fifteenth of a start.
    """
    names = {f"--{one}": name for name in Settings._fields for one in (name, name.replace("_", "-"))}
    found: dict[str, Any] = {}
    words = iter(arguments)
    try:
        for word in words:
            flag, equals, text = word.partition("=")
            if not equals and (text := next(words)).startswith("-"):
                return None
            name = names[flag]
            if text not in CHOICES.get(name, (text,)):
                return None
            found[name] = KINDS.get(name, str)(text)
        return Settings(**found)
    except (KeyError, StopIteration, TypeError, ValueError):
        return None
