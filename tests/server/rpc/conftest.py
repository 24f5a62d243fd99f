"""One server with every model and both doors, shared by the tests of a worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.rpc.client import Both, both


@pytest.fixture(scope="session")
def served(model_root: Path) -> Iterator[Both]:
    with both(model_root) as running:
        yield running
