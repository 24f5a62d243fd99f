"""The `kserve-lite` command: one module a subcommand, found here by name."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import kserve_lite

COMMANDS = (
    "serve",
    "new",
    "validate",
    "render",
    "plan",
    "migrate",
    "explain",
    "controller",
    "ask",
    "crds",
    "images",
)
"""Modules of this package; `add(subparsers)` of each sets `run`, a function from arguments to an exit code."""

EXIT_CODES = "Exit codes: 0 done, 1 the input is at fault, 2 the usage is. `kserve-lite COMMAND --help` shows examples."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 the input is at fault, 2 the usage is."""
    parser = argparse.ArgumentParser(
        prog="kserve-lite",
        description="KServe's InferenceService without the platform, on a cluster and on a laptop.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"kserve-lite {kserve_lite.__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    given = sys.argv[1:] if argv is None else argv
    # A controller need not load what only another command uses.
    for name in given[:1] if given and given[0] in COMMANDS else COMMANDS:
        import_module(f"{__name__}.{name}").add(subparsers)
    args = parser.parse_args(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return code
