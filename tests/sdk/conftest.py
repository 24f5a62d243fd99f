"""One predictor with the iris model for all tests of a worker."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk.process import Running, program
from tests.server.models import iris, save


@pytest.fixture(scope="session")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = Path(tmp_path_factory.mktemp("iris"))
    save(iris(), folder)
    flags = (f"--model_dir={folder}", "--host=127.0.0.1", "--log_format=json")
    with program("-m kserve_lite_server", *flags, python=sys.executable) as running:
        yield running
