"""One server with every model and both doors, shared by the tests of a worker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from tests.server.models import iris, save, scaler
from tests.server.process import Server
from tests.server.rpc.client import Both, grpc_port, options


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two models, iris and scaler."""
    root = tmp_path_factory.mktemp("models")
    save(iris(), root / "iris")
    save(scaler(), root / "scaler")
    return root


@pytest.fixture(scope="session")
def served(servers: Callable[[str], Server]) -> Iterator[Both]:
    server = servers("true")
    port = grpc_port(server)
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        yield Both(server, channel, port)
