"""`kserve-lite render`: what an InferenceService comes to, without a cluster."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from kserve_lite.api.config import Config, Network
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import read
from kserve_lite.api.problems import Place, Problem
from kserve_lite.cli import problems
from kserve_lite.resolve.effective import Component, Effective
from kserve_lite.resolve.service import resolve

EPILOG = """\
examples:
  kserve-lite render isvc.yaml                 the resolved service: runtime and why, container, storage, names
  kserve-lite render isvc.yaml --output json   the same as JSON
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "render",
        help="print what InferenceServices come to",
        description="Print each InferenceService resolved: the runtime chosen and why the others were not, "
        "the container with all defaults, storage steps, names and hosts.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="YAML file, folder of them, or - for stdin"
    )
    parser.add_argument(
        "--domain", default="example.com", help="domain of the outside hosts NAME-NAMESPACE.DOMAIN"
    )
    parser.add_argument("--output", choices=("yaml", "json"), default="yaml", help="format")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the resolved services, or every problem of every file."""
    found = read(arguments.files)
    wrong = list(found.problems)
    resolved: list[dict[str, Any]] = []
    for manifest in found.objects:
        if isinstance(manifest.resource, InferenceService):
            config = Config(network=Network(domain=arguments.domain))
            effective = resolve(manifest.resource, config=config, plain_paths=True)
            if isinstance(effective, list):
                wrong += [manifest.located(problem) for problem in effective]
            else:
                resolved.append(as_plain(effective))
    if not resolved and not wrong:
        where = Place(str(arguments.files[0]))
        wrong.append(
            Problem(
                "nothing_to_render", "", "there is no InferenceService", "name a file that holds one", where
            )
        )
    if wrong:
        problems.show(wrong, "json" if arguments.output == "json" else "text")
        return 1
    if arguments.output == "json":
        print(json.dumps(resolved, indent=2, ensure_ascii=False))
    else:
        yaml = YAML()
        yaml.indent(mapping=2, sequence=4, offset=2)
        yaml.width = 4096
        yaml.dump_all(resolved, sys.stdout)
    return 0


def as_plain(effective: Effective) -> dict[str, Any]:
    """Return a resolved service as plain values, its parts under the names that people know."""
    return {
        "name": effective.name,
        "namespace": effective.namespace,
        "url": effective.url,
        "hosts": list(effective.hosts),
        **{component.role: _component(component) for component in effective.components},
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
