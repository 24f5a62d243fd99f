"""kubeconform finds our schemas by its usual layout, and refuses what the API server refuses as unknown or mistyped."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.api.examples import cases, manifest
from tools.build import program

CLONE = Path(__file__).parents[2]
LAYOUT = f"{CLONE}/schemas/json/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"
BY_SCHEMA = {"unknown_field", "missing_field", "invalid_value"}
"""Codes of faults that a schema can see; values are also judged by rules, which kubeconform does not run."""


def kubeconform(documents: list[dict[str, Any]]) -> dict[str, str]:
    """The verdict on each document, by its name."""
    done = subprocess.run(
        [program("kubeconform"), "-strict", "-verbose", "-output", "json", "-schema-location", LAYOUT, "-"],
        input="\n---\n".join(json.dumps(document) for document in documents),
        capture_output=True,
        text=True,
        check=False,
    )
    return {found["name"]: found["status"] for found in json.loads(done.stdout)["resources"]}


def test_every_valid_example_conforms() -> None:
    documents = [manifest(case) for case in cases("valid.yaml")]
    for number, document in enumerate(documents):
        document["metadata"]["name"] = f"example-{number}"
    assert set(kubeconform(documents).values()) == {"statusValid"}


@pytest.mark.parametrize(
    "example", sorted(CLONE.glob("examples/*/isvc.yaml")), ids=lambda path: path.parent.name
)
def test_our_examples_conform(example: Path) -> None:
    done = subprocess.run(
        [program("kubeconform"), "-strict", "-skip", "ConfigMap", "-schema-location", LAYOUT, str(example)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_fault_of_shape_does_not_conform() -> None:
    documents = [manifest(case) for case in cases("refused.yaml") if case["code"] in BY_SCHEMA]
    for number, document in enumerate(documents):
        document["metadata"]["name"] = f"example-{number}"
    assert len(documents) >= 20
    assert set(kubeconform(documents).values()) == {"statusInvalid"}
