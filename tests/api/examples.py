"""Examples that are valid, and objects with one fault each, as data."""

from pathlib import Path
from typing import Any

from kserve_lite.api import KINDS
from kserve_lite.api.yaml import parse

CASES = Path(__file__).parent / "cases"


def cases(file: str) -> list[dict[str, Any]]:
    (document,) = parse((CASES / file).read_text(), file)
    assert document.problems == []
    found: list[dict[str, Any]] = document.value
    return found


def manifest(case: dict[str, Any], spec: str = "spec") -> dict[str, Any]:
    """The whole object of a case."""
    version = next(kind.api_version for kind in KINDS if kind.name == case["kind"])
    metadata = {"name": case.get("name", "a"), **{k: case[k] for k in ("labels", "annotations") if k in case}}
    head = {"apiVersion": version, "kind": case["kind"], "metadata": metadata, "spec": case[spec]}
    return {**head, **({"disabled": case["disabled"]} if "disabled" in case else {})}
