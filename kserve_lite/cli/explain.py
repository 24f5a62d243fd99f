"""`kserve-lite explain`: why an InferenceService, a graph or a TrainedModel answers or does not."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from kserve_lite.api.problems import Problem
from kserve_lite.cli import cluster, problems
from kserve_lite.cli.terminal import Style

if TYPE_CHECKING:
    from kserve_lite.controller.inferenceservice.explain import Step

EPILOG = """\
examples:
  kserve-lite explain sklearn-iris                     in the kubeconfig's namespace
  kserve-lite explain sklearn-iris -n team-a -o json

Exit codes: 0 it is ready, 1 it is not or there is no such service, 2 the usage is wrong.
"""
MARKS = {"ok": ("✓", "green"), "wait": ("…", "yellow"), "fail": ("✗", "red")}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "explain",
        help="say why an InferenceService of a cluster answers or does not",
        description="Walk the way of an InferenceService on a live cluster: spec, runtime, storage and credentials, "
        "children, pods, route; or what an InferenceGraph or TrainedModel waits for. Reads only, with your own rights; "
        "no Secret is read.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "name", metavar="NAME", help="name of the InferenceService, InferenceGraph or TrainedModel"
    )
    parser.add_argument("-n", "--namespace", metavar="NS", help="(default: the kubeconfig's)")
    cluster.arguments(parser)
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="format (default: text)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the steps; 0 when the last says that it is ready."""
    from kserve_lite.controller.inspect import inspect

    wrong: list[Problem] = []
    config = cluster.config(arguments, wrong)
    steps = None
    if not wrong:
        where = (arguments.kubeconfig, arguments.context)
        steps = cluster.ask(inspect(arguments.name, arguments.namespace, config, *where), wrong)
    if wrong:
        problems.show(wrong, arguments.output)
        return 1
    if steps is None:
        remedy = "check the name and the namespace: kubectl get isvc --all-namespaces"
        message = f"there is no InferenceService, InferenceGraph or TrainedModel {arguments.name}"
        problems.show([Problem("not_found", "", message, remedy)], arguments.output)
        return 1
    if arguments.output == "json":
        print(json.dumps([asdict(step) for step in steps], indent=2, ensure_ascii=False))
    else:
        show(steps)
    return 0 if steps[-1].state == "ok" else 1


def show(steps: "list[Step]") -> None:
    """Print one line for a step, its details below it."""
    style = Style(sys.stdout)
    for step in steps:
        mark, colour = MARKS[step.state]
        print(f"{style.paint(mark, colour)} {style.paint(f'{step.title:<9}', 'bold')} {step.text}")
        for line in step.lines:
            print(f"            {line}")
