"""`python -m generator` as `make generate` and `make verify` run it, on a copy of the tree."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def generator(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "generator", *arguments, "--root", str(tree)],
        cwd=tree,  # so that the copy's own packages are imported
        capture_output=True,
        text=True,
    )


CLASSES = {
    "crd": ("schemas/crds/serving.kserve.io_inferenceservices.yaml", "plural: "),
    "crd of the chart": ("charts/kserve-lite/crds/serving.kserve.io_trainedmodels.yaml", "plural: "),
    "spec of the crds chart": ("charts/kserve-lite-crds/files/inferencegraphs.json", '"plural":'),
    "json schema": ("schemas/json/serving.kserve.io/inferenceservice_v1beta1.json", '"minReplicas"'),
    "values": ("charts/kserve-lite/values.yaml", "tag: "),
    "values schema": ("charts/kserve-lite-models/values.schema.json", '"minReplicas"'),
    "table of values": ("charts/kserve-lite-crds/README.md", "| Key |"),
    "reference of a kind": ("docs/reference/servingruntime.md", "| Field |"),
    "rules": ("docs/reference/validation-rules.md", "| Rule |"),
}
"""A file of every class that the generator writes, and something that stands in it."""


def test_the_committed_tree_is_what_the_definitions_say(tree: Path) -> None:
    verified = generator(tree, "verify")
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_generating_twice_changes_nothing_and_the_sizes_are_printed(tree: Path) -> None:
    again = generator(tree)
    assert again.returncode == 0
    assert "wrote" not in again.stdout
    sizes = [line for line in again.stdout.splitlines() if line.endswith("bytes as compact JSON")]
    assert len(sizes) == 6


def test_a_touched_file_of_any_class_fails_verification_and_is_mended_by_generating(tree: Path) -> None:
    originals = {path: (tree / path).read_text() for path, _ in CLASSES.values()}
    for path, needle in CLASSES.values():
        assert needle in originals[path], path
        (tree / path).write_text(originals[path].replace(needle, needle.swapcase(), 1))

    verified = generator(tree, "verify")
    mended = generator(tree)

    assert verified.returncode == 1
    assert "make generate" in verified.stderr
    for path, original in originals.items():
        assert f"--- {path} (in the tree)\n+++ {path} (generated)\n@@ " in verified.stdout
        assert f"wrote {path}\n" in mended.stdout
        assert (tree / path).read_text() == original


def test_one_touched_byte_is_enough(tree: Path) -> None:
    file = tree / "schemas/crds/serving.kserve.io_trainedmodels.yaml"
    file.write_text(file.read_text().replace("plural: trainedmodels", "plural: trainedmodel"))
    verified = generator(tree, "verify")
    assert verified.returncode == 1
    assert "-    plural: trainedmodel\n+    plural: trainedmodels\n" in verified.stdout


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


def test_a_value_added_in_one_place_shows_up_in_values_schema_and_readme(tree: Path) -> None:
    definition = tree / "kserve_lite/api/values/common.py"
    marker = "    common_labels: Labels = Field("
    field = '    owner: str = Field("on", max_length=9, description="Who answers the phone.")\n'
    definition.write_text(definition.read_text().replace(marker, field + marker, 1))

    assert generator(tree).returncode == 0

    for chart in ("kserve-lite", "kserve-lite-crds", "kserve-lite-models"):
        folder = tree / "charts" / chart
        assert "  # -- Who answers the phone.\n  owner: 'on'\n" in (folder / "values.yaml").read_text()
        schema = json.loads((folder / "values.schema.json").read_text())
        declared = schema["$defs"]["Global"]["properties"]["owner"]
        assert declared == {"description": "Who answers the phone.", "maxLength": 9, "type": "string"}
        row = '| `global.owner` | string | `"on"` | Who answers the phone. |'
        assert row in (folder / "README.md").read_text()


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
