"""What becomes of each field of KServe's here: honoured, refused with a remedy, or out of scope.

A field that our CRD has with the same name is honoured unless a rule refuses it; of one that is not there, `ABSENT`
says why and what to do. A field about which neither says anything is `unaccounted`, and a test fails.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from generator.markdown import cell, generated, table
from kserve_lite.api.marks import Rule

Class = Literal["honoured", "refused", "out of scope", "unaccounted"]
UPSTREAM = Path(__file__).parent / "upstream" / "kserve.json"

FRAMEWORKS = "(sklearn|xgboost|tensorflow|pytorch|triton|onnx|huggingface|pmml|lightgbm|paddle)"
_REMOVED = "(cephfs|flocker|gitRepo|glusterfs|photonPersistentDisk|quobyte|rbd|scaleIO|storageos)"
ABSENT: Sequence[tuple[str, Class, str]] = (
    (rf"spec\.predictor\.{FRAMEWORKS}\.storage\.schemaPath", "refused", "only ModelMesh reads it; remove it"),
    (
        r"spec\.(predictor\.model|explainer\.art)\.storage\.schemaPath",
        "refused",
        "only ModelMesh reads it; remove it",
    ),
    (rf"spec\.predictor\.({FRAMEWORKS}|model)\.name", "refused", "the container's name is fixed; remove it"),
    (
        rf"spec\.predictor\.{FRAMEWORKS}\.[a-zA-Z]+",
        "refused",
        "write the model under predictor.model, which has the field",
    ),
    (
        r"spec\.explainer\.art\.[a-zA-Z]+",
        "refused",
        "write the explainer under explainer.containers, which has the field",
    ),
    (
        r"spec\.(predictor|transformer|explainer)\.activeDeadlineSeconds",
        "refused",
        "a Deployment's pods have no end; remove it",
    ),
    (rf"spec\.(\w+\.)?volumes\[\]\.{_REMOVED}", "refused", "Kubernetes removed the plugin; use a CSI volume"),
    (r"status\.canaryStatuses", "out of scope", "there is no canary"),
    (r"status", "out of scope", "nothing is reported on a runtime"),
)
"""Fields that our CRDs do not have, as patterns of their whole path; the first that fits counts, also for all below."""


@dataclass(frozen=True)
class Field:
    """One field of KServe's, and what becomes of it."""

    path: str
    type: str
    verdict: Class
    reason: str = ""


def upstream() -> Mapping[str, Any]:
    """Return the committed list of KServe's fields."""
    found: Mapping[str, Any] = json.loads(UPSTREAM.read_text())
    return found


def fields(kind: str, crd: Mapping[str, Any], rules: Sequence[Rule]) -> list[Field]:
    """Return the verdict on every field that KServe's CRD of `kind` has."""
    ours = dict(paths(own_tree(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]), {}))
    listed = upstream()
    refusals = refused_fields(rules)
    return [
        judged(path, kind_, ours, refusals) for path, kind_ in paths(listed["kinds"][kind], listed["shared"])
    ]


def judged(path: str, type_: str, ours: Mapping[str, str], refusals: Mapping[str, str]) -> Field:
    """Return the verdict on one field."""
    for above in (path, *parents(path)):
        if (name := above.rsplit(".", 1)[-1]) in refusals and above in ours:
            return Field(path, type_, "refused", refusals[name])
    if path in ours:
        return Field(path, type_, "honoured")
    for pattern, verdict, reason in ABSENT:
        if any(re.fullmatch(pattern, above) for above in (path, *parents(path)) if above not in ours):
            return Field(path, type_, verdict, reason)
    return Field(path, type_, "unaccounted")


def refused_fields(rules: Sequence[Rule]) -> dict[str, str]:
    """Return the remedy for every field that a rule does not support."""
    return {
        rule.field.removeprefix("."): rule.remedy
        for rule in rules
        if rule.field and rule.id.endswith("_unsupported")
    }


def parents(path: str) -> Iterator[str]:
    """Yield the paths above one, nearest first."""
    while (end := max(path.rfind("."), path.rfind("[]"))) > 0:
        path = path[:end]
        yield path


def paths(tree: Any, shared: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and type of every field of a tree."""
    while isinstance(tree, str) and tree.startswith("#"):
        tree = shared[tree[1:]]
    kind, below = tree if isinstance(tree, list) else (tree, {})
    if at:
        yield at, kind
    for name, value in below.items():
        yield from paths(value, shared, at + name if name == "[]" else f"{at}.{name}".removeprefix("."))


def own_tree(node: Mapping[str, Any]) -> Any:
    """Return a structural schema in the form of the committed list."""
    kind = "integer or string" if node.get("x-kubernetes-int-or-string") else node["type"]
    below = {name: own_tree(value) for name, value in node.get("properties", {}).items()}
    if "additionalProperties" in node:
        below["*"] = own_tree(node["additionalProperties"])
    if "items" in node:
        below["[]"] = own_tree(node["items"])
    return [kind, below] if below else kind


@cache
def depth(path: str) -> int:
    """Return how many steps a path has."""
    return path.count(".") + path.count("[]")


def rows(found: Sequence[Field]) -> Iterator[tuple[Field, int]]:
    """Yield the highest fields below which all have one verdict and reason, each with how many it stands for."""
    listed = sorted(found, key=lambda field: (depth(field.path), field.path))
    below: dict[str, set[tuple[str, str]]] = {}
    count: dict[str, int] = {}
    for field in found:
        for path in (field.path, *parents(field.path)):
            below.setdefault(path, set()).add((field.verdict, field.reason))
            count[path] = count.get(path, 0) + 1
    covered: set[str] = set()
    for field in listed:
        if covered.isdisjoint(parents(field.path)) and len(below[field.path]) == 1:
            covered.add(field.path)
            yield field, count[field.path]


def support_page(crds: Sequence[Mapping[str, Any]], rules: Sequence[Rule]) -> str:
    """Return docs/reference/support-matrix.md."""
    version = upstream()["version"]
    text = generated(f"What becomes of the fields of KServe {version}") + (
        "*Honoured*: declared with the same name and type, validated, and carried to `resolve`, which serves, renders\n"
        "or refuses it. *Refused*: rejected with its path and the remedy, never ignored. *Out of scope*: written by\n"
        "KServe's controller, not by users. Some values of honoured fields are refused by the validation rules.\n"
        "A line stands for a field and everything below it with the same verdict.\n"
    )
    for crd in crds:
        kind = crd["spec"]["names"]["kind"]
        if kind not in upstream()["kinds"]:
            continue
        found = fields(kind, crd, rules)
        counts = {
            one: sum(field.verdict == one for field in found)
            for one in ("honoured", "refused", "out of scope")
        }
        text += (
            f"\n## {kind}\n\n{len(found):,} fields: "
            + ", ".join(f"{n:,} {one}" for one, n in counts.items())
            + ".\n\n"
        )
        text += table(
            ("Field", "Type", "Fields", "Verdict", "Remedy or reason"),
            (
                (f"`{cell(field.path)}`", field.type, f"{number:,}", field.verdict, cell(field.reason))
                for field, number in sorted(rows(found), key=lambda row: row[0].path)
            ),
        )
    return text
