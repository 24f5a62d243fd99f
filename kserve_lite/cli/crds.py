"""`kserve-lite crds`: the CRDs of this version, listed or applied to a cluster; the charts' hook runs it."""

import argparse
import asyncio
import json
from pathlib import Path

from kserve_lite.api.problems import Problem
from kserve_lite.cli import problems
from kserve_lite.cli.cluster import unreachable
from kserve_lite.controller.crds import MANAGER, Refusal, Settings, apply_all, packaged, version_of
from kserve_lite.controller.runtime.kube import TRANSIENT, ApiError, Kube

EPILOG = """\
examples:
  kserve-lite crds list
  kserve-lite crds list --output yaml | kubectl apply --server-side -f -
  kserve-lite crds apply --dry-run
  kserve-lite crds apply --take-over      replaces KServe's own CRDs; InferenceServices stay
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its two actions."""
    parser = commands.add_parser(
        "crds",
        help="list the CRDs of this version, or apply them to a cluster",
        description="List the CRDs of this version, or apply them server-side to the cluster of the kubeconfig "
        "(in a pod: that of its service account).",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    lister = actions.add_parser("list", help="print the CRDs of this version")
    lister.add_argument("--output", choices=("text", "yaml"), default="text", help="names, or manifests")
    lister.set_defaults(run=show)
    applier = actions.add_parser("apply", help="apply them, and wait until the cluster serves them")
    applier.add_argument("--kubeconfig", type=Path, help="file that says which cluster, and as whom")
    applier.add_argument("--context", help="context of the kubeconfig")
    applier.add_argument("--dry-run", action="store_true", help="ask the server, change nothing")
    applier.add_argument("--force-conflicts", action="store_true", help="take fields over from other tools")
    applier.add_argument("--take-over", action="store_true", help="replace CRDs that are not kserve-lite's")
    applier.add_argument("--allow-downgrade", action="store_true", help="replace CRDs of a newer version")
    applier.add_argument("--field-manager", default=MANAGER, help=f"who applies (default: {MANAGER})")
    applier.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="until they are served")
    applier.set_defaults(run=apply)


def show(arguments: argparse.Namespace) -> int:
    """Print the CRDs."""
    crds = packaged()
    if arguments.output == "yaml":
        print("\n".join(f"---\n{json.dumps(crd)}" for crd in crds))
    else:
        for crd in crds:
            versions = ", ".join(version["name"] for version in crd["spec"]["versions"])
            print(f"{crd['metadata']['name']}  {versions}  kserve-lite {version_of(crd)}")
    return 0


def apply(arguments: argparse.Namespace) -> int:
    """Apply the CRDs; 1 when one is refused, and then none is changed."""
    settings = Settings(
        manager=arguments.field_manager,
        force=arguments.force_conflicts,
        take_over=arguments.take_over,
        downgrade=arguments.allow_downgrade,
        dry_run=arguments.dry_run,
        patience=arguments.wait,
    )
    try:
        asyncio.run(_apply(arguments.kubeconfig, arguments.context, settings))
    except Refusal as refusal:
        problems.show(refusal.problems, "text")
        return 1
    except TRANSIENT as error:
        problems.show([_unreachable(error)], "text")
        return 1
    return 0


async def _apply(kubeconfig: Path | None, context: str | None, settings: Settings) -> None:
    kube = Kube.connect(kubeconfig, context)
    try:
        async for line in apply_all(kube, packaged(), settings):
            print(line, flush=True)
    finally:
        await kube.close()


def _unreachable(error: BaseException) -> Problem:
    if isinstance(error, ApiError) and error.code == 403:
        return Problem(
            "rights_missing",
            "",
            error.message,
            "give the account get, create and patch on customresourcedefinitions, or use the chart kserve-lite-crds",
        )
    if isinstance(error, ApiError) and error.code == 409:
        return Problem(
            "crd_conflict",
            "",
            error.message,
            "--force-conflicts takes the fields over (crds.upgrade.forceConflicts)",
        )
    return unreachable(error, "check the kubeconfig and its context")
