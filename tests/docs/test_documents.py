"""Every command of the README and the guides runs as written, and prints what is written below it."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.docs.console import ROOT, Shell, Step, matches, search_path, steps
from tests.storage_servers.conftest import Store

pytestmark = pytest.mark.slow


def test_the_readmes_commands_lead_from_a_fresh_clone_to_an_answer(tmp_path: Path) -> None:
    here = {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.file://{ROOT}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/kserve-lite/kserve-lite",
        "GIT_CONFIG_KEY_1": "safe.directory",
        "GIT_CONFIG_VALUE_1": "*",
        "PYTHON": sys.executable,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv")),
        "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache/pip")),
    }
    with Shell(tmp_path, **here) as shell:
        for step in steps(ROOT / "README.md"):
            printed = shell.run(step)
            assert matches(step.expected, printed), (step, printed)


@pytest.mark.parametrize("guide", ["laptop", "graphs", "pipelines", "sdk"])
def test_the_guides_commands_print_what_the_guide_shows(examples: Path, tmp_path: Path, guide: str) -> None:
    (tmp_path / "examples").symlink_to(examples)
    with Shell(tmp_path, PATH=search_path(tmp_path / "bin"), XDG_CACHE_HOME=str(tmp_path / "cache")) as shell:
        for step in steps(ROOT / f"docs/guides/{guide}.md"):
            printed = shell.run(step)
            assert matches(step.expected, printed), (step, printed)


def test_the_storage_guides_commands_print_what_the_guide_shows(
    s3: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = ROOT / "docs/guides/storage.md"
    s3.put("iris/model.joblib", b"a model" * 100_000)
    s3.put("iris/notes/origin.txt", b"trained on Monday\n")
    (manifests,) = re.findall(r"^```yaml\n(.*?)^```$", guide.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "iris.yaml").write_text(manifests)
    with Shell(tmp_path, PATH=search_path(tmp_path / "bin"), **s3.environment) as shell:
        for step in steps(guide):
            printed = shell.run(step)
            assert matches(step.expected, printed), (step, printed)


@pytest.mark.parametrize(
    ("expected", "printed", "fits"),
    [
        pytest.param(["a … c"], "a b c\n", True, id="… stands for anything"),
        pytest.param(["a", "…", "c"], "a\nb\nb\nc\n", True, id="lines too"),
        pytest.param(["a"], "b\n", False, id="another text"),
        pytest.param(["a"], "a\nb\n", False, id="more than is shown"),
        pytest.param([], "anything", True, id="nothing shown"),
    ],
)
def test_the_comparison_of_output_can_fail(expected: list[str], printed: str, fits: bool) -> None:
    assert matches(expected, printed) is fits


def test_the_readmes_yaml_is_the_example() -> None:
    assert (ROOT / "examples/sklearn-iris/isvc.yaml").read_text() in (ROOT / "README.md").read_text()


def test_commands_and_their_output_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("text\n```console\n$ one\nout\n$ two\n```\n")

    assert steps(tmp_path / "x.md") == [Step("one", ["out"]), Step("two")]
