"""`python -m tools.cluster`: up, down, status, load and enter, whatever provider this machine takes."""

import argparse
import sys
from pathlib import Path

from tools import cache
from tools.cluster import provider
from tools.cluster.provider import Provider
from tools.cluster.providers import PROVIDERS
from tools.errors import ToolError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = parser().parse_args(arguments)
    try:
        name = provider.choose()
        cluster = PROVIDERS[name]()
        if options.command == "enter":
            return cluster.enter(command(options.program))
        if options.command == "status":
            return status(cluster)
        with cache.locked(provider.STATE / "cluster"):
            change(options, name, cluster)
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(prog="python -m tools.cluster", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="bring a cluster up; no-op when it is up")
    commands.add_parser("down", help="remove the cluster and everything that belongs to it")
    commands.add_parser("status", help="show what exists; exit 1 when nothing does")
    loader = commands.add_parser("load", help="make images of OCI archives known to the cluster")
    loader.add_argument("archives", nargs="+", type=Path)
    enter = commands.add_parser("enter", help="run a command where cluster names and addresses work")
    enter.add_argument("program", nargs=argparse.REMAINDER, metavar="COMMAND")
    return top


def command(words: list[str]) -> list[str]:
    """Return the command to enter with; `--`, which argparse leaves, is no part of it."""
    return words[1:] if words[:1] == ["--"] else words


def change(options: argparse.Namespace, name: str, cluster: Provider) -> None:
    """Run a command that changes the cluster."""
    if options.command == "up":
        cluster.check()
        provider.record(name)  # before anything is made, so that `down` finds what an interrupted `up` left
        cluster.up()
        print(f"cluster ({name}) is up: export KUBECONFIG={provider.KUBECONFIG}")
    elif options.command == "down":
        cluster.down()
        provider.record(None)
        print("nothing of the cluster is left")
    else:
        cluster.load(options.archives)


def status(cluster: Provider) -> int:
    """Print what exists."""
    lines = cluster.status()
    print("\n".join(lines) if lines else "nothing of a cluster exists")
    return 0 if lines else 1


if __name__ == "__main__":
    sys.exit(main())
