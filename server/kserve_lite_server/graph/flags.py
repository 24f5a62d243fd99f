"""The router's command line for people: help, and what is wrong with a flag."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from kserve_lite_server.graph.settings import CHOICES, KINDS, Settings

TEXTS = {
    "host": "address to listen on",
    "http_port": "port to listen on",
    "max_request_bytes": "largest request body; more is answered 413",
    "max_response_bytes": (
        "largest answer of a step that is not passed on while it arrives; more is answered 502"
    ),
    "max_held_bytes": "bytes of all request bodies together; more is answered 503",
    "max_in_flight": "requests at a time; more are answered 503",
    "drain_timeout": "seconds that running requests get after SIGTERM",
    "log_format": "auto: text on a terminal, json elsewhere",
    "log_level": "least severe line that is written",
    "log_lines_per_second": "log lines of failed requests a second",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"kserve-lite-router: error: {message}\n")
        raise SystemExit(2)


def parse(arguments: Sequence[str]) -> Settings:
    """Read the flags; a mistake ends the process with status 2."""
    parser = _Parser(
        prog="kserve-lite-router",
        description="Take requests through the steps of an InferenceGraph.",
        allow_abbrev=False,
    )
    parser.add_argument("--graph", required=True, help="file with the graph; read again when it changes")
    for name, text in TEXTS.items():
        spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
        default = Settings._field_defaults[name]
        parser.add_argument(
            *spellings, type=KINDS[name], help=text, dest=name, default=default, choices=CHOICES.get(name)
        )
    return Settings(**vars(parser.parse_args(arguments)))
