"""`kserve-lite render`: the exact objects that the controller would make of an InferenceService, without a cluster."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import read
from kserve_lite.cli import problems, wanted
from kserve_lite.render import render
from kserve_lite.render.graph import render_graph
from kserve_lite.render.multimodel import model_config
from kserve_lite.resolve.effective import Component, Effective
from kserve_lite.resolve.graph import EffectiveGraph, resolve_graph
from kserve_lite.resolve.service import resolve

EPILOG = """\
examples:
  kserve-lite render isvc.yaml                               the children, as the controller applies them
  kserve-lite render isvc.yaml --config config.yaml --runtimes runtimes.yaml
  kserve-lite render isvc.yaml --resolved                    the runtime and why, container, storage, hosts
  kserve-lite render isvc.yaml | kubectl diff -f -           against a cluster; `kserve-lite plan` says more

What was written without effect is said on stderr. Owner references are the cluster's and not shown.
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "render",
        help="print the objects that InferenceServices and InferenceGraphs come to",
        description="Print the children of each InferenceService and InferenceGraph exactly as the controller applies "
        "them, and the list of models of a service that TrainedModels name.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="YAML file, folder of them, or - for stdin"
    )
    wanted.arguments(parser)
    parser.add_argument("--resolved", action="store_true",
                        help="print the resolved service instead: what was chosen, and why")  # fmt: skip
    parser.add_argument("--output", choices=("yaml", "json"), default="yaml", help="format (default: yaml)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print objects, or every problem of every file: 1 if there is one."""
    asked = wanted.wanted(read(arguments.files), arguments)
    wrong = list(asked.problems)
    shown: list[dict[str, Any]] = []
    found: dict[tuple[str, str], Effective] = {}
    for service in asked.services:
        written = service.written
        effective = resolve(
            written,
            asked.runtimes(written.namespace),
            asked.config,
            plain_paths=arguments.resolved,
            surroundings=asked.around[written.namespace],
        )
        if isinstance(effective, list):
            wrong += wanted.located(service, effective)
            continue
        found[written.namespace, written.name] = effective
        shown += [as_plain(effective)] if arguments.resolved else children(effective, asked, written)
        for notice in wanted.located(service, list(effective.notices)):
            print(f"note: {notice}", file=sys.stderr)
    for graph in asked.graphs:
        near = {name: one for (namespace, name), one in found.items() if namespace == graph.written.namespace}
        router = resolve_graph(graph.written, near, asked.config)
        if isinstance(router, list):
            wrong += wanted.located(graph, router)
        else:
            shown += [graph_as_plain(router)] if arguments.resolved else render_graph(router, asked.config)
    if not asked.services and not asked.graphs and not wrong:
        wrong.append(wanted.nothing(arguments.files[0]))
    if wrong:
        problems.show(wrong, "json" if arguments.output == "json" else "text")
        return 1
    write(shown, arguments.output)
    return 0


def children(effective: Effective, asked: wanted.Wanted, written: InferenceService) -> list[dict[str, Any]]:
    """Return what the controller applies for a service: the list of its TrainedModels first."""
    models = asked.models_of(written)
    lists = [model_config(effective.name, effective.namespace, models)] if models else []
    return lists + render(effective, asked.config)


def graph_as_plain(router: EffectiveGraph) -> dict[str, Any]:
    """Return a resolved graph as plain values."""
    return {**_head(router), "graph": dict(router.document), "container": dict(router.container)}


class _Spelt(RoundTripRepresenter):
    """Writes a value that occurs twice twice: references are hard to read and some tools know none."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write(objects: list[dict[str, Any]], output: str) -> None:
    """Print objects as YAML documents or as one JSON list."""
    if output == "json":
        print(json.dumps(objects, indent=2, ensure_ascii=False))
        return
    yaml = YAML()
    yaml.Representer = _Spelt
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    yaml.dump_all(objects, sys.stdout)


def as_plain(effective: Effective) -> dict[str, Any]:
    """Return a resolved service as plain values, its parts under the names that people know."""
    return _head(effective) | {component.role: _component(component) for component in effective.components}


def _head(resolved: Effective | EffectiveGraph) -> dict[str, Any]:
    return {
        "name": resolved.name,
        "namespace": resolved.namespace,
        "url": resolved.url,
        "hosts": list(resolved.hosts),
    }


def _component(component: Component) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": component.name, "model": component.model, "protocol": component.protocol}
    if component.choice is not None and component.choice.best is not None:
        others = {
            v.runtime.name: v.reason
            for v in component.choice.verdicts
            if v.runtime is not component.choice.best
        }
        plain |= {"runtime": component.choice.best.name, "passedOver": others}
    if component.timeout is not None:
        plain["timeout"] = component.timeout
    return plain | {
        "readyPath": component.probe,
        "storage": [{"uri": step.uri, "mountPath": step.mount_path} for step in component.storage],
        "container": component.container,
        "otherContainers": list(component.others),
    }
