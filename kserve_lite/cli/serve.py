"""`kserve-lite serve`: InferenceServices on this machine, without a cluster."""

import argparse
import asyncio
import importlib.util
from pathlib import Path

from kserve_lite.api.problems import Problem
from kserve_lite.cli import problems

EPILOG = """\
examples:
  kserve-lite serve isvc.yaml                      one InferenceService at http://localhost:8080
  kserve-lite serve models/ --watch                all files of a folder; reload what changes
  kserve-lite serve isvc.yaml --mount data=./data  pvc://data/… is the folder ./data
  kserve-lite serve isvc.yaml --output json        events as JSON, one a line

A storageUri without a scheme is a path relative to its YAML file. A service answers by its model's name in the path,
and by its cluster names: curl -H 'Host: NAME.NAMESPACE.svc.cluster.local' …
Lay a request.json beside the YAML, and the printed curl line uses it.
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "serve",
        help="serve InferenceServices on this machine",
        description="Serve InferenceServices on this machine: each model server is a process with the pod's arguments.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="YAML file, folder of them, or - for stdin"
    )
    parser.add_argument(
        "--port", type=_port, help="port of the gateway (default: 8080, or the next free one)"
    )
    parser.add_argument(
        "--host", default="", metavar="ADDRESS", help="address to listen on (default: this machine only)"
    )
    parser.add_argument(
        "--mount",
        action="append",
        default=[],
        type=_mount,
        metavar="CLAIM=FOLDER",
        help="the folder that stands for pvc://CLAIM",
    )
    parser.add_argument("--watch", action="store_true", help="reload when a YAML or model file changes")
    parser.add_argument(
        "--domain", default="example.com", help="domain of the outside hosts NAME-NAMESPACE.DOMAIN"
    )
    parser.add_argument("--output", choices=("text", "json"), default="text", help="how to report")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until the end is asked for."""
    if any(importlib.util.find_spec(name) is None for name in ("aiohttp", "kserve_lite_server")):
        message = "the model server is not installed here"
        problems.show(
            [Problem("local_extra_missing", "", message, "pip install 'kserve-lite[local]'")],
            arguments.output,
        )
        return 1
    from kserve_lite.cli.show import Show  # these need what `kserve-lite[local]` brings
    from kserve_lite.local.ports import PortInUse
    from kserve_lite.local.session import Options, serve

    options = Options(
        paths=tuple(arguments.files),
        mounts=dict(arguments.mount),
        port=arguments.port,
        address=arguments.host,
        domain=arguments.domain,
        watch=arguments.watch,
        log_format=arguments.output,
    )
    try:
        return asyncio.run(serve(options, Show(arguments.output)))
    except PortInUse as error:
        remedy = "end the other program, choose another --port, or leave --port out to get the next free one"
        problems.show([Problem("port_in_use", "--port", str(error), remedy)], arguments.output)
        return 1


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def _mount(text: str) -> tuple[str, Path]:
    claim, equals, folder = text.partition("=")
    if not claim or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not CLAIM=FOLDER")
    if not (path := Path(folder).expanduser().absolute()).is_dir():
        raise argparse.ArgumentTypeError(f"{folder} is not a folder")
    return claim, path
