"""`kserve-lite images`: the images of an installation, for a registry that the cluster can reach."""

import argparse
import json

from kserve_lite.api.problems import Problem
from kserve_lite.cli import problems
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.images import images

EPILOG = """\
examples:
  kserve-lite images                                        everything that any built-in runtime needs
  kserve-lite images --runtime kserve-sklearnserver         kserve-lite itself and one runtime
  kserve-lite images --registry registry.internal:5000 |
    while read -r from to; do skopeo copy "docker://$from" "docker://$to"; done
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "images",
        help="list the images that a cluster pulls",
        description="List the images that an installation of this version may pull, one a line.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--runtime", action="append", metavar="NAME", help="only this runtime; repeat for more"
    )
    parser.add_argument("--registry", metavar="HOST", help="print also the name at this registry")
    parser.add_argument("--output", choices=("text", "json"), default="text", help="format")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the list; 1 for a runtime that is not built in."""
    known = {runtime.name: runtime for runtime in BUILT_IN}
    wanted = arguments.runtime or list(known)
    if unknown := [name for name in wanted if name not in known]:
        remedy = f"choose among {', '.join(known)}"
        problems.show(
            [Problem("runtime_unknown", "--runtime", f"{name} is not built in", remedy) for name in unknown],
            "text",
        )
        return 1
    found = images([known[name] for name in wanted])
    if arguments.output == "json":
        listed = [{"use": one.use, "image": one.reference} for one in found]
        if arguments.registry:
            listed = [
                {**entry, "at": one.at(arguments.registry)} for entry, one in zip(listed, found, strict=True)
            ]
        print(json.dumps(listed, indent=2))
        return 0
    for one in found:
        print(f"{one.reference} {one.at(arguments.registry)}" if arguments.registry else one.reference)
    return 0
