"""`python -m generator` as `make generate` and `make verify` run it, on a copy of the tree."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def generator(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "generator", *arguments, "--root", str(tree)],
        cwd=tree,  # so that the copy's own packages are imported
        capture_output=True,
        text=True,
    )


def one_of_each_class(tree: Path) -> dict[str, Path]:
    """A generated file of every class that the generator writes."""
    patterns = {
        "crd": "schemas/crds/*_inferenceservices.yaml",
        "crd of the chart": "charts/kserve-lite/crds/*_trainedmodels.yaml",
        "spec of the crds chart": "charts/kserve-lite-crds/files/inferencegraphs.json",
        "json schema": "schemas/json/serving.kserve.io/inferenceservice_v1beta1.json",
        "reference of a kind": "docs/reference/servingruntime.md",
        "rules": "docs/reference/validation-rules.md",
    }
    return {name: next(tree.glob(pattern)) for name, pattern in patterns.items()}


def test_the_committed_tree_is_what_the_definitions_say(tree: Path) -> None:
    verified = generator(tree, "verify")
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_generating_twice_changes_nothing_and_the_sizes_are_printed(tree: Path) -> None:
    again = generator(tree)
    assert again.returncode == 0
    assert "wrote" not in again.stdout
    sizes = [line for line in again.stdout.splitlines() if line.endswith("bytes as compact JSON")]
    assert len(sizes) == 6


@pytest.mark.parametrize("name", one_of_each_class(Path(__file__).parents[2]))
def test_a_touched_file_fails_verification_with_a_diff_and_is_mended_by_generating(
    tree: Path, name: str
) -> None:
    file = one_of_each_class(tree)[name]
    original = file.read_text()
    file.write_text(original.replace("InferenceService", "InferencService", 1) + "touched\n")
    verified = generator(tree, "verify")
    path = file.relative_to(tree).as_posix()
    assert verified.returncode == 1
    assert f"--- {path} (in the tree)" in verified.stdout
    assert "-touched" in verified.stdout
    assert "make generate" in verified.stderr
    assert f"wrote {path}" in generator(tree).stdout
    assert file.read_text() == original


def test_a_missing_and_a_stale_file_fail_verification(tree: Path) -> None:
    gone = tree / "docs/reference/inferencegraph.md"
    gone.unlink()
    stale = tree / "schemas/crds/serving.kserve.io_relics.yaml"
    stale.write_text("kind: Relic\n")
    verified = generator(tree, "verify")
    assert verified.returncode == 1
    assert "+# InferenceGraph" in verified.stdout
    assert "-kind: Relic" in verified.stdout
    assert generator(tree).returncode == 0
    assert gone.exists()
    assert not stale.exists()


def test_a_field_added_in_one_place_shows_up_in_every_artefact(tree: Path) -> None:
    definition = tree / "kserve_lite/api/trainedmodel.py"
    text = definition.read_text()
    marker = "    framework: str = Field("
    assert marker in text
    field = '    shelf_life: int | None = Field(None, ge=1, description="Days until it is read again.")\n'
    definition.write_text(text.replace(marker, field + marker, 1))

    assert generator(tree).returncode == 0

    for path in (
        "schemas/crds/serving.kserve.io_trainedmodels.yaml",
        "charts/kserve-lite/crds/serving.kserve.io_trainedmodels.yaml",
        "charts/kserve-lite-crds/files/trainedmodels.json",
        "schemas/json/serving.kserve.io/trainedmodel_v1alpha1.json",
        "docs/reference/trainedmodel.md",
    ):
        generated = (tree / path).read_text()
        assert "shelfLife" in generated, path
        assert "Days until it is read again." in generated, path
    schema = json.loads((tree / "schemas/json/serving.kserve.io/trainedmodel_v1alpha1.json").read_text())
    assert schema["properties"]["spec"]["properties"]["model"]["properties"]["shelfLife"]["minimum"] == 1


def test_a_definition_without_structural_form_stops_with_the_python_field(tree: Path) -> None:
    definition = tree / "kserve_lite/api/trainedmodel.py"
    marker = "    framework: str = Field("
    field = "    shape: tuple[int, int] | None = None\n"
    definition.write_text(definition.read_text().replace(marker, field + marker, 1))
    refused = generator(tree)
    assert refused.returncode == 1
    assert refused.stderr == (
        "ModelSpec.shape: a tuple has no structural form; use a list, or an object with named fields\n"
    )
