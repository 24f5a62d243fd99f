"""The distributions fit each other."""

import tomllib
from pathlib import Path

import kserve_lite
import kserve_lite_server

ROOT = Path(__file__).parent.parent


def test_all_distributions_carry_one_version() -> None:
    declared = {
        tomllib.loads((ROOT / name).read_text())["project"]["version"]
        for name in ("pyproject.toml", "server/pyproject.toml", "server/compat/pyproject.toml")
    }

    assert declared == {kserve_lite.__version__} == {kserve_lite_server.__version__}
