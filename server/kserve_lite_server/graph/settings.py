"""How a router is set up: what is not part of the graph."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

MEBI = 1024 * 1024


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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"kserve-lite-router: error: {message}\n")
        raise SystemExit(2)


def read_settings(arguments: Sequence[str]) -> Settings:
    """Read the flags (`--http_port` or `--http-port`); a mistake ends the process with status 2."""
    defaults = Settings("")
    parser = _Parser(
        prog="kserve-lite-router",
        description="Take requests through the steps of an InferenceGraph.",
        allow_abbrev=False,
    )

    def flag(name: str, kind: type, text: str, **more: object) -> None:
        names = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
        parser.add_argument(*names, type=kind, help=text, dest=name, default=getattr(defaults, name), **more)  # type: ignore[arg-type]

    parser.add_argument("--graph", required=True, help="file with the graph; read again when it changes")
    flag("host", str, "address to listen on")
    flag("http_port", int, "port to listen on")
    flag("max_request_bytes", int, "largest request body; more is answered 413")
    flag(
        "max_response_bytes",
        int,
        "largest answer of a step that is not passed on while it arrives; more is answered 502",
    )
    flag("max_held_bytes", int, "bytes of all request bodies together; more is answered 503")
    flag("max_in_flight", int, "requests at a time; more are answered 503")
    flag("drain_timeout", float, "seconds that running requests get after SIGTERM")
    flag("log_format", str, "auto: text on a terminal, json elsewhere", choices=("auto", "json", "text"))
    flag("log_level", str, "least severe line that is written", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    flag("log_lines_per_second", int, "log lines of failed requests a second")
    return Settings(**vars(parser.parse_args(arguments)))
