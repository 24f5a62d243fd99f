"""What the commands that ask a cluster have in common: how to reach it, its settings, and what to say when it fails."""

import argparse
import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from kserve_lite.api.config import Config
from kserve_lite.api.faults import faults
from kserve_lite.api.problems import Place, Problem
from kserve_lite.cli.settings import settings

T = TypeVar("T")
REMEDY = "check the kubeconfig, and your rights to list in the namespace"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that say which cluster is meant, and with which settings its controller runs."""
    parser.add_argument(
        "--kubeconfig", type=Path, metavar="FILE", help="(default: KUBECONFIG or ~/.kube/config)"
    )
    parser.add_argument(
        "--context", metavar="NAME", help="context of the kubeconfig (default: its current one)"
    )
    parser.add_argument("--config", type=Path, metavar="FILE",
                        help="settings of the controller (default: those of the cluster's release)")  # fmt: skip


def ask(question: Coroutine[Any, Any, T], wrong: list[Problem], remedy: str = REMEDY) -> T | None:
    """Return the cluster's answer; what kept it from answering is added to `wrong`."""
    from kserve_lite.controller.runtime.kube import TRANSIENT

    try:
        return asyncio.run(question)
    except TRANSIENT as error:
        wrong.append(unreachable(error, remedy))
        return None


def unreachable(error: BaseException, remedy: str = REMEDY) -> Problem:
    """Say that the cluster did not answer, or refused."""
    from kserve_lite.controller.runtime.kube import ApiError

    said = error.message if isinstance(error, ApiError) else str(error) or type(error).__name__
    return Problem("cluster_unreachable", "", said, remedy)


def config(arguments: argparse.Namespace, wrong: list[Problem]) -> Config:
    """Return the settings of the file that is named, else those with which the cluster's controller runs."""
    if arguments.config is not None:
        return settings(arguments.config, wrong)
    from kserve_lite.controller.released import released

    found = ask(released(arguments.kubeconfig, arguments.context, arguments.namespace), wrong)
    if found is None:
        return Config()
    if found.said:
        print(f"note: {found.said}", file=sys.stderr)
    try:
        return Config.model_validate(found.settings, by_name=False)
    except ValidationError as error:
        place = Place(found.place)
        wrong += [
            Problem(one.code, one.path, one.message, one.remedy, place) for one in faults(error, Config)
        ]
        return Config()
