"""List every field that KServe's CRDs have, names and types only, to compare ours with.

    python -m tools.kserve_fields PATH_OF_A_KSERVE_CHECKOUT

writes `generator/upstream/kserve.json`. A field is `type` or `[type, {name: field}]`; `*` stands for the values of a
map, `[]` for the items of a list; `#N` is the N-th of the `shared` subtrees: most of KServe's fields are copies.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

VERSION = "v0.20.0"
COMMIT = "aaac4e294dae2c7b1aa1886447793f3aa1c30912"
KINDS = {
    "InferenceService": "templates/serving.kserve.io_inferenceservices.yaml",
    "ServingRuntime": "templates/serving.kserve.io_servingruntimes.yaml",
    "ClusterServingRuntime": "templates/serving.kserve.io_clusterservingruntimes.yaml",
    "InferenceGraph": "templates/serving.kserve.io_inferencegraphs.yaml",
    "TrainedModel": "templates/serving.kserve.io_trainedmodels.yaml",
    "ClusterStorageContainer": "files/serving.kserve.io_clusterstoragecontainers.yaml",
}
HEAD = ("apiVersion", "kind", "metadata")
TARGET = Path(__file__).parent.parent / "generator/upstream/kserve.json"


def main(checkout: Path) -> None:
    """Write the fields of all kinds."""
    trees = {kind: tree(schema(checkout / "charts/kserve-crd" / file)) for kind, file in KINDS.items()}
    count: Counter[str] = Counter()
    for one in trees.values():
        tally(one, count)
    shared: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    kinds = {kind: fold(one, count, numbers, shared) for kind, one in trees.items()}
    head = {
        "version": VERSION,
        "commit": COMMIT,
        "source": "charts/kserve-crd of github.com/kserve/kserve, Apache-2.0",
    }
    TARGET.write_text(json.dumps({**head, "kinds": kinds, "shared": shared}, separators=(",", ":")) + "\n")


def schema(file: Path) -> dict[str, Any]:
    """Return the schema of a CRD; the chart's template marks are of no interest."""
    text = re.sub(r"\{\{.*?\}\}", "x", file.read_text())
    (version,) = YAML(typ="safe").load(text)["spec"]["versions"]
    root: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return {
        **root,
        "properties": {name: value for name, value in root["properties"].items() if name not in HEAD},
    }


def tree(node: dict[str, Any]) -> Any:
    """Return a field as its type, or as its type and what is below it."""
    kind = "integer or string" if node.get("x-kubernetes-int-or-string") else node.get("type", "any")
    below = {name: tree(value) for name, value in node.get("properties", {}).items()}
    for key, mark in (("additionalProperties", "*"), ("items", "[]")):
        if isinstance(node.get(key), dict):
            below[mark] = tree(node[key])
    return [kind, below] if below else kind


def tally(one: Any, count: Counter[str]) -> None:
    """Count equal subtrees."""
    if isinstance(one, list):
        count[json.dumps(one)] += 1
        for value in one[1].values():
            tally(value, count)


def fold(one: Any, count: Counter[str], numbers: dict[str, int], shared: dict[str, Any]) -> Any:
    """Return a tree in which subtrees that occur more than once are numbers of `shared`."""
    if not isinstance(one, list):
        return one
    key = json.dumps(one)
    if key in numbers:
        return f"#{numbers[key]}"
    folded = [one[0], {name: fold(value, count, numbers, shared) for name, value in one[1].items()}]
    if count[key] < 2:
        return folded
    numbers[key] = len(numbers)
    shared[str(numbers[key])] = folded
    return f"#{numbers[key]}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
