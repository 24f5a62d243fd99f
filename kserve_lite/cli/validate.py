"""`kserve-lite validate`: everything that is wrong with some files, before any cluster sees them."""

import argparse
import json

from kserve_lite.api.manifests import Manifests, read

EXAMPLES = """\
examples:
  kserve-lite validate isvc.yaml
  kserve-lite validate models/ graph.yaml --output json
  helm template charts/kserve-lite-models | kserve-lite validate -
"""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "validate",
        help="print every error of every file",
        description="Check manifests: print every error with its place and remedy; exit 1 if there is one.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a YAML or JSON file, a folder of them, or - for stdin"
    )
    parser.add_argument(
        "--output", choices=("text", "json"), default="text", help="how to print (default: text)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what was found; 1 when something is wrong."""
    found = read(args.files)
    print(as_json(found) if args.output == "json" else as_text(found))
    return 1 if found.problems else 0


def as_json(found: Manifests) -> str:
    """Return the verdict as one JSON object."""
    return json.dumps(
        {
            "valid": not found.problems,
            "objects": [
                {"kind": one.kind, "namespace": one.namespace, "name": one.name} for one in found.resources
            ],
            "skipped": [{"object": name, "where": str(place)} for name, place in found.others],
            "problems": [problem.as_dict() for problem in found.problems],
        },
        indent=2,
    )


def as_text(found: Manifests) -> str:
    """Return one line for a problem, one for an object that is not ours, and the sum."""
    lines = [str(problem) for problem in found.problems]
    lines += [f"{place}: {name} is not a kind of kserve-lite: not checked" for name, place in found.others]
    count = len(found.problems)
    verdict = f"{count} problem{'s' if count != 1 else ''}" if count else "no problems"
    total = len(found.objects)
    lines.append(f"{verdict}; {total} valid object{'s' if total != 1 else ''}")
    return "\n".join(lines)
