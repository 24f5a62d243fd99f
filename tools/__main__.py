"""`python -m tools`: build and list the programs that tests and the cluster use, and name what the host must have."""

import argparse
import sys

from tools import build, catalogue, debian
from tools.cluster.provider import container_engine
from tools.errors import ToolError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = parser().parse_args(arguments)
    try:
        if options.command == "list":
            show()
        elif options.command == "packages":
            packages(options.install)
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
    packages = commands.add_parser("packages", help="name what this machine lacks of Debian's packages")
    packages.add_argument("--install", action="store_true", help="install them")
    return top


def packages(install: bool) -> None:
    """Name, or install, what the machine lacks; with a container engine neither cluster nor images need the host's."""
    missing = debian.lacking(debian.TESTS if container_engine() else debian.ALL)
    if install:
        debian.install(missing)
    print(debian.apt_line(missing) if missing and not install else "nothing is missing")


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
