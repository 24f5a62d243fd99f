"""Real Helm, both majors, and charts that show what Helm makes of their values."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.build import program

CLONE = Path(__file__).parents[2]
MAJORS = ("helm3", "helm")
Helm = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(params=MAJORS)
def helm(request: pytest.FixtureRequest, tmp_path: Path) -> Helm:
    """Run Helm with a home of its own."""
    return runner(request.param, tmp_path)


def runner(name: str, home: Path) -> Helm:
    """Return what runs one Helm."""
    executable = str(program(name))
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [executable, *arguments], capture_output=True, text=True, env=environment, timeout=60, check=False
        )

    return run


def showing(folder: Path, values: str, schema: str | None = None) -> Path:
    """Write a chart whose only template prints its values; return its folder."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: showing\nversion: 0.1.0\n")
    (folder / "values.yaml").write_text(values)
    if schema is not None:
        (folder / "values.schema.json").write_text(schema)
    (folder / "templates" / "values.yaml").write_text("shown: {{ .Values | toJson | quote }}\n")
    return folder


def showing_ours(folder: Path, chart: str) -> Path:
    """The values and the schema of one of our charts, in a chart that prints them."""
    ours = CLONE / "charts" / chart
    return showing(folder, (ours / "values.yaml").read_text(), (ours / "values.schema.json").read_text())


def shown(output: str) -> Any:
    """Read what such a chart printed."""
    return json.loads(yaml.safe_load(output)["shown"])
