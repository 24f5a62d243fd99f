"""`kserve-lite migrate`: what objects that KServe has managed need, and what will be different; from files or live."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.api.kinds import GROUP, KINDS
from kserve_lite.api.problems import Problem
from kserve_lite.cli import cluster, problems
from kserve_lite.cli.settings import settings
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.migration import Verdict, verdict

EPILOG = """\
examples:
  kserve-lite migrate                                    every KServe object that you may list in the cluster
  kserve-lite migrate --namespace team-a                 of one namespace
  kubectl get isvc -A -o yaml | kserve-lite migrate -    without access of its own

It reads and writes nothing. Services are judged by the built-in runtimes, which the chart installs.
Exit codes: 0 everything can be taken over as it is, 1 something must be changed first.
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "migrate",
        help="say what KServe's objects need before kserve-lite takes them over",
        description="Judge InferenceServices, runtimes, graphs and models that KServe manages: what must be changed, "
        "and what will be different.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="YAML or JSON, - for stdin (default: the cluster)"
    )
    parser.add_argument("--namespace", default="", metavar="NS", help="of the cluster (default: all)")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings of the controller (default: all defaults)"
    )
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="(default: KUBECONFIG)")
    parser.add_argument(
        "--context", metavar="NAME", help="context of the kubeconfig (default: its current one)"
    )
    parser.add_argument("--output", choices=("text", "json"), default="text", help="(default: text)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the verdicts."""
    wrong: list[Problem] = []
    config = settings(arguments.config, wrong)
    values = _of_files(arguments.files, wrong) if arguments.files else _of_cluster(arguments, wrong)
    if wrong:
        problems.show(wrong, arguments.output)
        return 1
    verdicts = judged(values, config)
    if arguments.output == "json":
        print(json.dumps([asdict(one) for one in verdicts], indent=2, ensure_ascii=False))
    else:
        print("\n".join(_as_text(verdicts)))
    return 1 if any(one.needed for one in verdicts) else 0


def judged(values: Sequence[dict[str, Any]], config: Config) -> list[Verdict]:
    """Return a verdict on each object of ours; a List stands for its items."""
    flat = [
        item
        for value in values
        for item in (value.get("items") or [] if value.get("kind") == "List" else [value])
    ]
    return [
        verdict(value, BUILT_IN, config)
        for value in flat
        if str(value.get("apiVersion", "")).partition("/")[0] == GROUP
        and value.get("metadata", {}).get("name")
    ]


def _of_files(files: Sequence[str], wrong: list[Problem]) -> list[dict[str, Any]]:
    from kserve_lite.api.manifests import text_of
    from kserve_lite.api.yaml import parse

    values: list[dict[str, Any]] = []
    for file in files:
        text = text_of(Path(file), wrong)
        for document in parse(text, file) if text is not None else ():
            wrong += document.problems
            if isinstance(document.value, dict):
                values.append(document.value)
    return values


def _of_cluster(arguments: argparse.Namespace, wrong: list[Problem]) -> list[dict[str, Any]]:
    from kserve_lite.controller.runtime.kube import ApiError, Kind, Kube

    async def listed() -> list[dict[str, Any]]:
        kube = Kube.connect(arguments.kubeconfig, arguments.context)
        found: list[dict[str, Any]] = []
        try:
            for kind in KINDS:
                if kind.scope == "Cluster" and arguments.namespace:
                    continue
                of = Kind(kind.group, kind.version, kind.name, kind.plural, kind.scope == "Namespaced")
                try:
                    async for page in kube.pages(of, arguments.namespace):
                        head = {"apiVersion": kind.api_version, "kind": kind.name}
                        found += [{**head, **one} for one in page.items]
                except ApiError as error:
                    if error.code != 404:  # a kind that is not installed has no objects
                        raise
        finally:
            await kube.close()
        return found

    remedy = "check the kubeconfig and your rights to list, or give files"
    return cluster.ask(listed(), wrong, remedy) or []


def _as_text(verdicts: Sequence[Verdict]) -> list[str]:
    lines: list[str] = []
    for one in verdicts:
        place = f"{one.namespace}/{one.name}" if one.namespace else one.name
        said = (
            "must be changed"
            if one.needed
            else ("works, with differences" if one.different else "works as it is")
        )
        lines.append(f"{one.kind} {place}: {said}")
        lines += [f"  ! {problem}" for problem in one.needed]
        lines += [f"  · {text}" for text in one.different]
    needed = sum(bool(one.needed) for one in verdicts)
    return [
        *lines,
        f"{len(verdicts)} objects: {len(verdicts) - needed} can be taken over, {needed} must be changed first",
    ]
