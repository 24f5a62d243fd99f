"""`kserve-lite plan`: what applying some files would create, change, restart and delete in a cluster, and why."""

import argparse
import json
import subprocess
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kserve_lite.api.manifests import Manifests, read, read_text
from kserve_lite.api.problems import Problem
from kserve_lite.cli import cluster, problems, wanted

if TYPE_CHECKING:
    from kserve_lite.controller.difference import Change
    from kserve_lite.controller.plan import Planned

EPILOG = """\
examples:
  kserve-lite plan isvc.yaml                                     what applying the file would do
  kserve-lite plan --chart charts/kserve-lite-models --values my.yaml
  kserve-lite plan isvc.yaml --output json | jq '.[].changes[] | select(.restarts)'

It reads the cluster and writes nothing. Settings are those of the release in the cluster: config.yaml of its ConfigMap.
Exit codes: 0 the plan is made, 1 a service is refused or the cluster cannot be read.
"""
SIGNS = {"create": "+", "change": "~", "delete": "-", "keep": " "}
LONGEST = 60


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "plan",
        help="say what applying files would change in a cluster",
        description="Compare the children of InferenceServices with those in a cluster, field by field.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="YAML file, folder, or - for stdin"
    )
    parser.add_argument("--chart", metavar="CHART", help="a Helm chart instead of files; needs helm")
    parser.add_argument("--values", action="append", default=[], metavar="FILE", help="values of the chart")
    parser.add_argument(
        "--namespace", default="default", metavar="NS", help="of objects that name none (default: default)"
    )
    cluster.arguments(parser)
    parser.add_argument("--output", choices=("text", "json"), default="text", help="(default: text)")
    parser.set_defaults(run=run, runtimes=[])


def run(arguments: argparse.Namespace) -> int:
    """Print the plan."""
    from kserve_lite.controller.plan import plan

    asked = wanted.wanted(_read(arguments), arguments)
    if not asked.services and not asked.problems:
        asked.problems.append(wanted.nothing(arguments.chart or (arguments.files or ["-"])[0]))
    planned = None
    if not asked.problems:
        config = cluster.config(arguments, asked.problems)
        services = [_plain(service) for service in asked.services]
        if not asked.problems:
            reading = plan(services, config, arguments.kubeconfig, arguments.context)
            planned = cluster.ask(reading, asked.problems)
    if planned is None:
        problems.show(asked.problems, arguments.output)
        return 1
    if arguments.output == "json":
        print(json.dumps([_as_json(one) for one in planned], indent=2, ensure_ascii=False, default=str))
    else:
        for one in planned:
            print("\n".join(_as_text(one)))
        print(_sum(planned))
    return 1 if any(one.findings for one in planned) else 0


def _read(arguments: argparse.Namespace) -> Manifests:
    if not arguments.chart:
        return read(arguments.files or [Path("-")])
    values = [part for file in arguments.values for part in ("--values", file)]
    command = ["helm", "template", "plan", arguments.chart, "--namespace", arguments.namespace, *values]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        found = Manifests()
        found.problems.append(
            Problem("helm_missing", "--chart", "there is no helm", "install it, or name files")
        )
        return found
    if done.returncode:
        found = Manifests()
        found.problems.append(
            Problem("chart_invalid", "--chart", done.stderr.strip(), "correct chart or values")
        )
        return found
    return read_text(done.stdout, arguments.chart)


def _plain(service: wanted.Service) -> dict[str, Any]:
    """Return the service as the API server would hand it out."""
    value: dict[str, Any] = service.manifest.source.value
    return {**value, "metadata": dict(service.written.metadata)}


def _as_json(one: "Planned") -> dict[str, Any]:
    return {
        "namespace": one.key.namespace,
        "name": one.key.name,
        "new": one.new,
        "changes": [{**asdict(change), "restarts": change.restarts} for change in one.changes],
        "refused": [str(finding) for finding in one.findings],
        "notes": list(one.notes),
    }


def _as_text(one: "Planned") -> list[str]:
    head = f"{one.key}" + (" (new)" if one.new else "")
    if one.findings:
        return [f"{head}: refused", *(f"    {finding}" for finding in one.findings)]
    lines = [line for change in one.changes if change.action != "keep" for line in _lines(change)]
    kept = sum(change.action == "keep" for change in one.changes)
    if kept:
        lines.append(f"    {kept} object{'s' if kept != 1 else ''} as they are")
    return [head, *lines, *(f"  note: {note}" for note in one.notes)]


def _lines(change: "Change") -> list[str]:
    why = {"delete": "no longer wanted", "change": "restarts its pods" if change.restarts else ""}
    head = f"  {SIGNS[change.action]} {change.kind} {change.name}"
    told = why.get(change.action, "")
    fields = [f"      {one.path}: {_short(one.before)} → {_short(one.after)}" for one in change.fields]
    if change.dropped:
        fields.append("      fields that were applied before are no longer wanted")
    return [f"{head}: {told}" if told else head, *fields]


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _sum(planned: "list[Planned]") -> str:
    count = Counter(change.action for one in planned for change in one.changes)
    restarts = sum(change.restarts for one in planned for change in one.changes)
    refused = sum(bool(one.findings) for one in planned)
    return (
        f"{count['create']} to create, {count['change']} to change, {count['delete']} to delete; "
        f"{restarts} restart; {refused} refused"
    )
