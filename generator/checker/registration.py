"""The CRD around its schemas: names, versions, columns, subresources, as apiextensions validates them."""

import re
from collections.abc import Iterator
from typing import Any

from generator.checker.finding import Finding

_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+")
_COLUMN_TYPES = {"integer", "number", "string", "boolean", "date"}
_COLUMN_FORMATS = {"int32", "int64", "float", "double", "byte", "date", "date-time", "password"}
_SELECTABLE_TYPES = {"string", "boolean", "integer"}
_MAX_SELECTABLE = 8


def check_registration(crd: dict[str, Any]) -> Iterator[Finding]:
    """Judge everything that is not inside an openAPIV3Schema."""
    spec = crd.get("spec", {})
    names = spec.get("names", {})
    yield from _check_group(crd, spec, names)
    yield from _check_names(names)
    if spec.get("preserveUnknownFields"):
        yield Finding(
            "crd-preserve", "spec.preserveUnknownFields", "must not be true in apiextensions.k8s.io/v1"
        )
    conversion = spec.get("conversion", {"strategy": "None"})
    if conversion.get("strategy") != "None" or "webhook" in conversion:
        yield Finding("crd-conversion", "spec.conversion", "must be the strategy None: there is no webhook")
    yield from _check_versions(spec.get("versions", []))


def _check_group(crd: dict[str, Any], spec: dict[str, Any], names: dict[str, Any]) -> Iterator[Finding]:
    group = spec.get("group", "")
    if not _SUBDOMAIN.fullmatch(group):
        yield Finding("crd-group", "spec.group", f"{group!r} is not a domain of two or more parts")
    if crd.get("metadata", {}).get("name") != f"{names.get('plural')}.{group}":
        yield Finding("crd-name", "metadata.name", "must be <plural>.<group>")
    if spec.get("scope") not in ("Namespaced", "Cluster"):
        yield Finding("crd-scope", "spec.scope", "must be Namespaced or Cluster")


def _check_names(names: dict[str, Any]) -> Iterator[Finding]:
    for key in ("plural", "singular", "kind", "listKind"):
        value = names.get(key, "")
        if not _LABEL.fullmatch(value.lower() if key in ("kind", "listKind") else value):
            yield Finding("crd-names", f"spec.names.{key}", f"{value!r} is not a DNS label")
    if names.get("kind") == names.get("listKind"):
        yield Finding("crd-list-kind", "spec.names.listKind", "must differ from kind")
    for key in ("shortNames", "categories"):
        for value in names.get(key, []):
            if not _LABEL.fullmatch(value):
                yield Finding("crd-names", f"spec.names.{key}", f"{value!r} is not a DNS label")


def _check_versions(versions: list[dict[str, Any]]) -> Iterator[Finding]:
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield Finding("crd-storage", "spec.versions", "exactly one version must be the stored one")
    if len({version.get("name") for version in versions}) != len(versions):
        yield Finding("crd-version-twice", "spec.versions", "a version is named twice")
    for index, version in enumerate(versions):
        path = f"spec.versions[{index}]"
        if not _LABEL.fullmatch(version.get("name", "")):
            yield Finding("crd-version-name", f"{path}.name", f"{version.get('name')!r} is not a DNS label")
        schema = version.get("schema", {}).get("openAPIV3Schema")
        if not isinstance(schema, dict):
            yield Finding("crd-schema", f"{path}.schema", "every version needs an openAPIV3Schema")
            schema = {}
        for column in version.get("additionalPrinterColumns", []):
            yield from _check_column(column, f"{path}.additionalPrinterColumns")
        yield from _check_scale(version.get("subresources", {}).get("scale"), f"{path}.subresources.scale")
        yield from _check_selectable(version.get("selectableFields", []), schema, f"{path}.selectableFields")


def _check_column(column: dict[str, Any], path: str) -> Iterator[Finding]:
    if not column.get("name"):
        yield Finding("column-name", path, "a column needs a name")
    if column.get("type") not in _COLUMN_TYPES:
        yield Finding("column-type", path, f"{column.get('type')!r} is not one of {sorted(_COLUMN_TYPES)}")
    if "format" in column and column["format"] not in _COLUMN_FORMATS:
        yield Finding("column-format", path, f"{column['format']!r} is not a known format")
    if not column.get("jsonPath", "").startswith("."):
        yield Finding("column-path", path, f"the path {column.get('jsonPath')!r} must begin with a dot")


def _check_scale(scale: dict[str, Any] | None, path: str) -> Iterator[Finding]:
    if scale is None:
        return
    for key, root in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        if not scale.get(key, "").startswith(root) or "[" in scale[key]:
            yield Finding("scale-path", f"{path}.{key}", f"must be a plain path below {root}")


def _check_selectable(fields: list[dict[str, Any]], schema: dict[str, Any], path: str) -> Iterator[Finding]:
    if len(fields) > _MAX_SELECTABLE:
        yield Finding("selectable-count", path, f"more than {_MAX_SELECTABLE} selectable fields")
    for field in fields:
        node: Any = schema
        for step in field.get("jsonPath", "").removeprefix(".").split("."):
            node = node.get("properties", {}).get(step, {})
        if field.get("jsonPath", "").startswith(".metadata") or node.get("type") not in _SELECTABLE_TYPES:
            yield Finding(
                "selectable-field", path, f"{field.get('jsonPath')!r} is not a declared plain value"
            )
