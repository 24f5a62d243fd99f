"""`python -m tools`: build, list and find the external programs that tests and the cluster use."""

import argparse
import sys

from tools import build, catalogue
from tools.errors import ToolError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = parser().parse_args(arguments)
    try:
        if options.command == "list":
            show()
        else:
            for name in catalogue.expand(options.names):
                print(build.program(name))
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(prog="python -m tools", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show families, their versions and what is built")
    builder = commands.add_parser("build", help="build programs that are missing and print their paths")
    builder.add_argument("names", nargs="+", metavar="NAME", help="a program or a family of programs")
    return top


def show() -> None:
    """Print one line a family."""
    for family in catalogue.families().values():
        programs = [
            name + ("" if (build.folder(family) / "bin" / name).exists() else " (not built)")
            for name in family.programs
        ]
        print(f"{family.name} {family.version}: {', '.join(programs) or 'source only'}")


if __name__ == "__main__":
    sys.exit(main())
