"""A kind as a CustomResourceDefinition: its structural schema, names, columns, subresources; no zero values."""

import json
from collections.abc import Sequence
from typing import Any

from generator.checker import check
from generator.definition import Schema
from generator.structural import structural
from kserve_lite import __version__
from kserve_lite.api.marks import Column, Kind, Rule

_HEAD: Schema = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object"},
}
VERSION = "kserve-lite.io/crd-version"
"""Annotation by which `kserve-lite crds apply` knows our CRDs, and an older one from a newer."""
HEAD = tuple(_HEAD)
"""Fields that every object has; a CRD may say no more of them than their type."""


class UnfitCrd(Exception):
    """A generated CRD that an API server would refuse or that GitOps would show as drift."""


def crd(kind: Kind, rules: Sequence[Rule] = ()) -> dict[str, Any]:
    """Return the CRD of `kind`. Raises `Refused` for its model, `UnfitCrd` with every finding of the checker."""
    schema = structural(kind.model, rules, omit=HEAD)
    schema["properties"] = {**_HEAD, **schema["properties"]}
    rendered = _registration(kind, schema)
    if findings := check(rendered):
        raise UnfitCrd("\n".join(f"{kind.name}: {finding}" for finding in findings))
    return rendered


def compact_size(crd: dict[str, Any]) -> int:
    """Bytes of the CRD as client-side apply stores it in an annotation."""
    return len(json.dumps(crd, separators=(",", ":"), ensure_ascii=False).encode())


def _registration(kind: Kind, schema: dict[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
    }
    if kind.short_names:
        names["shortNames"] = list(kind.short_names)
    if kind.categories:
        names["categories"] = list(kind.categories)
    version: dict[str, Any] = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    if kind.status:
        version["subresources"] = {"status": {}}
    if kind.columns:
        version["additionalPrinterColumns"] = [_column(column) for column in kind.columns]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}", "annotations": {VERSION: __version__}},
        "spec": {
            "group": kind.group,
            "scope": kind.scope,
            "names": names,
            "conversion": {"strategy": "None"},
            "versions": [version],
        },
    }


def _column(column: Column) -> dict[str, Any]:
    rendered: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.priority:
        rendered["priority"] = column.priority
    return rendered
