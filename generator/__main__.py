"""`python -m generator` writes every generated file; `python -m generator verify` fails where one differs."""

import argparse
import sys
from pathlib import Path

from generator.artefacts import TooLarge, artefacts, crds
from generator.crd import UnfitCrd, compact_size
from generator.definitions import definitions
from generator.files import differences, write
from generator.readme import MarkersMissing
from generator.refusal import Refused

CLONE = Path(__file__).parent.parent


def main() -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m generator", description=__doc__)
    parser.add_argument("action", nargs="?", choices=("write", "verify"), default="write")
    parser.add_argument("--root", type=Path, default=CLONE, help="tree to write to or to verify (this clone)")
    arguments = parser.parse_args()
    try:
        rendered = crds(definitions())
        files = artefacts(definitions(), rendered, arguments.root)
    except (Refused, UnfitCrd, TooLarge, MarkersMissing) as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.action == "verify":
        if difference := differences(files, arguments.root):
            sys.stdout.write(difference)
            print("generated files differ from the definitions: run `make generate`", file=sys.stderr)
            return 1
        return 0
    for path in write(files, arguments.root):
        print(f"wrote {path}")
    for crd in rendered:
        print(f"{crd['spec']['names']['kind']}: {compact_size(crd):,} bytes as compact JSON")
    return 0


if __name__ == "__main__":
    sys.exit(main())
