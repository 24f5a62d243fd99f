"""`kserve-lite controller`: make the InferenceServices of a cluster work, until told to stop."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from kserve_lite.api.problems import Problem
from kserve_lite.cli import problems
from kserve_lite.cli.settings import settings

EPILOG = """\
examples:
  kserve-lite controller --config /etc/kserve-lite/config.yaml         in a pod, for the whole cluster
  kserve-lite controller --namespace team-a --namespace team-b         needs rights in these namespaces alone
  kserve-lite controller --kubeconfig ~/.kube/config --lease-seconds 0 on your machine, alone
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "controller",
        help="run the controller against a cluster",
        description="Watch InferenceServices, make their Deployments, Services and routes, and report in their "
        "status. Of several processes one works; /metrics, /healthz and /readyz are on one port.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings in YAML (default: all defaults)"
    )
    parser.add_argument("--namespace", action="append", default=[], metavar="NS",
                        help="serve this namespace; repeat for more (default: all)")  # fmt: skip
    parser.add_argument("--address", default="0.0.0.0:8080", metavar="HOST:PORT",
                        help="metrics and health (default: 0.0.0.0:8080)")  # fmt: skip
    parser.add_argument("--lease-seconds", type=float, default=15.0, metavar="N",
                        help="until a silent leader is replaced; 0 runs without election (default: 15)")  # fmt: skip
    parser.add_argument(
        "--kubeconfig", type=Path, metavar="FILE", help="(default: the pod's account, or KUBECONFIG)"
    )
    parser.add_argument(
        "--context", metavar="NAME", help="context of the kubeconfig (default: its current one)"
    )
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default="info", help="(default: info)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until a signal; 0 after one, 1 when the lead was lost or the settings are wrong."""
    from kserve_lite.controller.run import Options, manager
    from kserve_lite.controller.runtime.kube import ApiError

    wrong: list[Problem] = []
    config = settings(arguments.config, wrong)
    host, _, port = arguments.address.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        wrong.append(
            Problem(
                "address_invalid", "--address", f"'{arguments.address}' is no HOST:PORT", "write 0.0.0.0:8080"
            )
        )
    if arguments.lease_seconds and arguments.lease_seconds < 1:
        wrong.append(
            Problem(
                "lease_too_short",
                "--lease-seconds",
                "a lease lasts 1 second at least",
                "write 15, or 0 for none",
            )
        )
    if wrong:
        problems.show(wrong, "text")
        return 1
    logging.basicConfig(
        level=arguments.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    options = Options(
        config=config,
        namespaces=tuple(dict.fromkeys(arguments.namespace)),
        host=host or "0.0.0.0",
        port=int(port),
        lease_seconds=arguments.lease_seconds or None,
        kubeconfig=arguments.kubeconfig,
        context=arguments.context,
    )
    try:
        return 0 if asyncio.run(manager(options).run()) else 1
    except ApiError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return 1
