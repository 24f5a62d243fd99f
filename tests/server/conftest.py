"""One server process with every model, shared by the tests of a worker."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.server.models import GOOD, save
from tests.server.process import Server, serving


@pytest.fixture(scope="session")
def models() -> dict[str, Any]:
    return {name: make() for name, make in GOOD.items()}


@pytest.fixture(scope="session")
def model_root(models: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    for name, estimator in models.items():
        save(estimator, root / name)
    return root


@pytest.fixture(scope="session")
def servers(model_root: Path) -> Iterator[Callable[[str], Server]]:
    """Servers by the value of --hot_path, each started once in a session, however often tests change between them."""
    with ExitStack() as stack:
        grpc = ("--enable_grpc=true", "--grpc_port=0")
        yield cache(lambda hot: stack.enter_context(serving(model_root, f"--hot_path={hot}", *grpc)))


@pytest.fixture(params=["true", "false"], ids=["hot", "cold"])
def server(servers: Callable[[str], Server], request: pytest.FixtureRequest) -> Server:
    """The same answers, whether plain requests take the short way or not."""
    return servers(request.param)
