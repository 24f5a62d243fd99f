"""One server process with every model, shared by the tests of a worker."""

from collections.abc import Iterator
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
def server(model_root: Path) -> Iterator[Server]:
    with serving(model_root) as running:
        yield running
