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


@pytest.fixture(scope="session", params=["true", "false"], ids=["hot", "cold"])
def server(model_root: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The same answers, whether plain requests take the short way or not."""
    with serving(model_root, f"--hot_path={request.param}") as running:
        yield running
