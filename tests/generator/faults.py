"""A good CRD, changes that break it by the rule they break, and changes that an API server takes."""

from collections.abc import Callable
from typing import Any

GOOD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.kserve.io"},
    "spec": {
        "group": "example.kserve.io",
        "scope": "Namespaced",
        "conversion": {"strategy": "None"},
        "names": {
            "kind": "Widget",
            "listKind": "WidgetList",
            "plural": "widgets",
            "singular": "widget",
            "shortNames": ["wg"],
            "categories": ["kserve"],
        },
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "required": ["spec"],
                        "properties": {
                            "apiVersion": {"type": "string"},
                            "kind": {"type": "string"},
                            "metadata": {"type": "object"},
                            "spec": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "size": {"type": "integer", "minimum": 0},
                                    "mode": {"type": "string", "enum": ["a", "b"]},
                                    "limit": {
                                        "anyOf": [{"type": "integer"}, {"type": "string"}],
                                        "x-kubernetes-int-or-string": True,
                                    },
                                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                                    "tags": {
                                        "type": "array",
                                        "items": {"type": "string"},
                                        "x-kubernetes-list-type": "set",
                                    },
                                    "ports": {
                                        "type": "array",
                                        "items": {
                                            "type": "object",
                                            "required": ["number"],
                                            "properties": {
                                                "number": {"type": "integer"},
                                                "protocol": {"type": "string", "default": "TCP"},
                                            },
                                        },
                                        "x-kubernetes-list-map-keys": ["number", "protocol"],
                                        "x-kubernetes-list-type": "map",
                                    },
                                    "names": {"type": "array", "items": {"type": "string", "maxLength": 9}},
                                },
                                "x-kubernetes-validations": [
                                    {"rule": "self.size < 9", "message": "too large", "fieldPath": ".size"}
                                ],
                            },
                        },
                    }
                },
            }
        ],
    },
}

Change = Callable[[dict[str, Any]], Any]


def put(path: str, value: Any) -> Change:
    """Set a value in the CRD; `spec:` stands for the schema of spec, `root:` for the schema."""

    def change(crd: dict[str, Any]) -> None:
        steps = (
            path.replace("root:", "spec.versions.0.schema.openAPIV3Schema.")
            .replace("spec:", "spec.versions.0.schema.openAPIV3Schema.properties.spec.properties.")
            .split(".")
        )
        node: Any = crd
        for step in steps[:-1]:
            node = node[int(step)] if step.isdigit() else node[step]
        if value is REMOVED:
            del node[steps[-1]]
        elif steps[-1].isdigit():
            node[int(steps[-1])] = value
        else:
            node[steps[-1]] = value

    return change


REMOVED = object()
SPEC = "root:properties.spec."
TEXT = {"type": "string"}
KEYED = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}


def listed(items: Any, **beside: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **beside}


def thing(properties: dict[str, Any], **beside: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **beside}


def ruled(**rule: Any) -> Change:
    return put(SPEC + "x-kubernetes-validations", [{"rule": "true", **rule}])


BAD: list[tuple[str, Change]] = [
    # The CRD around the schema.
    ("crd-name", put("metadata.name", "widget.example.kserve.io")),
    ("crd-group", put("spec.group", "example")),
    ("crd-scope", put("spec.scope", "Global")),
    ("crd-names", put("spec.names.plural", "Widgets")),
    ("crd-names", put("spec.names.shortNames", ["w_g"])),
    ("crd-list-kind", put("spec.names.listKind", "Widget")),
    ("crd-preserve", put("spec.preserveUnknownFields", True)),
    ("crd-conversion", put("spec.conversion", {"strategy": "Webhook", "webhook": {"clientConfig": {}}})),
    ("crd-storage", put("spec.versions.0.storage", False)),
    ("crd-version-name", put("spec.versions.0.name", "1.0")),
    (
        "crd-version-twice",
        lambda crd: crd["spec"]["versions"].append({**crd["spec"]["versions"][0], "storage": False}),
    ),
    ("crd-schema", put("spec.versions.0.schema", REMOVED)),
    ("column-name", put("spec.versions.0.additionalPrinterColumns.0.name", "")),
    ("column-type", put("spec.versions.0.additionalPrinterColumns.0.type", "int")),
    ("column-format", put("spec.versions.0.additionalPrinterColumns.0.format", "int16")),
    ("column-path", put("spec.versions.0.additionalPrinterColumns.0.jsonPath", "spec.size")),
    (
        "scale-path",
        put(
            "spec.versions.0.subresources.scale",
            {"specReplicasPath": ".status.n", "statusReplicasPath": ".status.n"},
        ),
    ),
    ("selectable-field", put("spec.versions.0.selectableFields", [{"jsonPath": ".spec.ports"}])),
    ("selectable-field", put("spec.versions.0.selectableFields", [{"jsonPath": ".metadata.name"}])),
    ("selectable-count", put("spec.versions.0.selectableFields", [{"jsonPath": ".spec.size"}] * 9)),
    # The root.
    ("root-object", put("root:type", "array")),
    ("root-closed", put("root:additionalProperties", TEXT)),
    ("root-nullable", put("root:nullable", True)),
    ("metadata-shape", put("root:properties.metadata", {"type": "object", "maxProperties": 3})),
    ("metadata-fields", put("root:properties.metadata", thing({"labels": {"type": "object"}}))),
    # Keywords and types.
    ("forbidden-keyword", put("spec:mode", {"$ref": "#/definitions/Mode", "type": "string"})),
    ("forbidden-keyword", put("root:definitions", {"Mode": TEXT})),
    ("forbidden-keyword", put("root:$schema", "http://json-schema.org/draft-07/schema#")),
    ("forbidden-keyword", put("spec:labels", {"type": "object", "patternProperties": {"a": TEXT}})),
    ("forbidden-keyword", put("spec:tags", listed(TEXT, additionalItems=False))),
    ("dropped-keyword", put("spec:mode", {"type": "string", "const": "a"})),
    ("forbidden-keyword", put("spec:mode", {"type": "string", "dependencies": {}})),
    ("forbidden-keyword", put("spec:mode", {"type": "string", "id": "mode"})),
    ("unique-items", put("spec:tags", listed(TEXT, uniqueItems=True))),
    ("type-missing", put("spec:mode", {"enum": ["a"]})),
    ("type-missing", put("spec:tags", listed({}))),
    ("type-missing", put("spec:labels", {"type": "object", "additionalProperties": {"maxLength": 3}})),
    ("type-unknown", put("spec:mode", {"type": ["string", "integer"]})),
    ("type-unknown", put("spec:mode", {"type": "null"})),
    ("int-or-string-false", put("spec:limit", {"type": "string", "x-kubernetes-int-or-string": False})),
    ("int-or-string-typed", put("spec:limit.type", "string")),
    ("int-or-string-unmarked", put("spec:limit", {"anyOf": [{"type": "integer"}, {"type": "string"}]})),
    ("items-missing", put("spec:tags", {"type": "array"})),
    ("items-list", put("spec:tags", {"type": "array", "items": [TEXT]})),
    ("closed-object", put(SPEC + "additionalProperties", False)),
    ("properties-xor", put(SPEC + "additionalProperties", TEXT)),
    ("preserve-false", put("spec:labels.x-kubernetes-preserve-unknown-fields", False)),
    ("embedded-type", put("spec:mode.x-kubernetes-embedded-resource", True)),
    ("embedded-empty", put("spec:labels", {"type": "object", "x-kubernetes-embedded-resource": True})),
    # Junctors judge values; they declare nothing.
    ("junctor-shape", put(SPEC + "anyOf", [{"properties": {"mode": {"type": "string"}}}])),
    ("junctor-shape", put(SPEC + "oneOf", [{"properties": {"mode": {"default": "a"}}}])),
    ("junctor-shape", put(SPEC + "allOf", [{"description": "d"}])),
    ("junctor-shape", put(SPEC + "not", {"nullable": True})),
    ("junctor-shape", put(SPEC + "allOf", [{"additionalProperties": {"maxLength": 1}}])),
    ("junctor-extension", put("spec:limit.anyOf", [{"x-kubernetes-int-or-string": True}])),
    ("junctor-undeclared", put(SPEC + "anyOf", [{"properties": {"other": {"minLength": 1}}}])),
    ("junctor-undeclared", put("spec:mode.not", {"items": {"minLength": 1}})),
    # Bounds, patterns, enumerations.
    ("exclusive-number", put("spec:size", {"type": "integer", "exclusiveMinimum": 0})),
    ("exclusive-alone", put("spec:size", {"type": "integer", "exclusiveMaximum": True})),
    ("size-negative", put("spec:mode", {"type": "string", "maxLength": -1})),
    ("size-order", put("spec:mode", {"type": "string", "minLength": 3, "maxLength": 2})),
    ("multiple-of", put("spec:size", {"type": "integer", "multipleOf": 0})),
    ("pattern", put("spec:mode", {"type": "string", "pattern": "^(?!a)"})),
    ("pattern", put("spec:mode", {"type": "string", "pattern": "("})),
    ("enum-empty", put("spec:mode", {"type": "string", "enum": []})),
    ("enum-twice", put("spec:mode.enum", ["a", "a"])),
    ("enum-type", put("spec:mode.enum", ["a", 1])),
    ("enum-type", put("spec:size.enum", [True])),
    ("required-twice", put(SPEC + "required", ["size", "size"])),
    ("required-undeclared", put(SPEC + "required", ["size", "colour"])),
    # Lists and maps for server-side apply.
    ("list-type", put("spec:tags.x-kubernetes-list-type", "bag")),
    ("list-type-array", put("spec:mode.x-kubernetes-list-type", "atomic")),
    ("keys-without-map", put("spec:tags.x-kubernetes-list-map-keys", ["k"])),
    ("items-nullable", put("spec:tags.items.nullable", True)),
    ("set-items", put("spec:tags.items", thing({"k": TEXT}))),
    ("set-items", put("spec:tags.items", listed(TEXT, **{"x-kubernetes-list-type": "set"}))),
    ("map-keys-missing", put("spec:ports.x-kubernetes-list-map-keys", [])),
    ("map-keys-twice", put("spec:ports.x-kubernetes-list-map-keys", ["number", "number"])),
    ("map-items-object", put("spec:tags", listed(TEXT, **KEYED))),
    ("map-key-undeclared", put("spec:ports.x-kubernetes-list-map-keys", ["host"])),
    ("map-key-scalar", put("spec:ports", listed(thing({"k": thing({})}, required=["k"]), **KEYED))),
    (
        "map-key-nullable",
        put("spec:ports", listed(thing({"k": {**TEXT, "nullable": True}}, required=["k"]), **KEYED)),
    ),
    ("map-key-optional", put("spec:ports.items.properties.protocol", TEXT)),
    ("map-type", put("spec:labels.x-kubernetes-map-type", "whole")),
    ("map-type-object", put("spec:mode.x-kubernetes-map-type", "atomic")),
    # Defaults.
    ("default-place", put("root:default", {"spec": {"size": 1}})),
    ("default-place", put("root:properties.metadata", thing({"name": {**TEXT, "default": "x"}}))),
    ("default-null", put("spec:mode.default", None)),
    ("default-invalid", put("spec:mode.default", "c")),
    ("default-invalid", put("spec:limit.default", 1.5)),
    ("default-invalid", put("spec:size.default", "1")),
    ("default-pruned", put("spec:ports.default", [{"number": 1, "colour": "red"}])),
    # CEL.
    ("cel-empty", ruled(rule="  ")),
    (
        "cel-twice",
        put(SPEC + "x-kubernetes-validations", [{"rule": "true"}, {"rule": "true", "message": "m"}]),
    ),
    ("cel-message", ruled(message="two\nlines")),
    ("cel-message", ruled(message=" ")),
    ("cel-message-missing", ruled(rule="true\n&& true")),
    ("cel-reason", ruled(reason="Wrong")),
    ("cel-keyword", ruled(id="R1")),
    ("cel-field-path", ruled(fieldPath=".colour")),
    ("cel-field-path", ruled(fieldPath="size")),
    ("cel-old-self", put("spec:names.items.x-kubernetes-validations", [{"rule": "self == oldSelf"}])),
    ("cel-judging", put(SPEC + "anyOf", [{"x-kubernetes-validations": [{"rule": "true"}]}])),
    # What would show as drift.
    ("drift-server-owned", put("status", {"conditions": []})),
    ("drift-server-owned", put("metadata.creationTimestamp", None)),
    ("drift-server-owned", put("spec.preserveUnknownFields", False)),
    ("drift-defaulted", put("spec.names.singular", REMOVED)),
    ("drift-defaulted", put("spec.names.listKind", REMOVED)),
    ("drift-defaulted", put("spec.conversion", REMOVED)),
    ("drift-zero", put("spec.names.shortNames", [])),
    ("drift-zero", put("spec.versions.0.additionalPrinterColumns.0.priority", 0)),
    ("drift-zero", put("spec.versions.0.additionalPrinterColumns.0.description", "")),
    ("drift-zero", put("spec:mode.nullable", False)),
    ("drift-zero", put("spec:size.exclusiveMinimum", False)),
    ("drift-zero", put(SPEC + "required", [])),
    ("drift-zero", put("spec.versions.0.deprecated", False)),
]

STRICTER = {
    "dropped-keyword",
    "int-or-string-false",
    "int-or-string-typed",
    "junctor-undeclared",
    "exclusive-alone",
    "size-negative",
    "size-order",
    "multiple-of",
    "enum-empty",
    "enum-twice",
    "enum-type",
    "required-twice",
    "required-undeclared",
    "default-null",
    "cel-twice",
    "cel-keyword",
    "drift-server-owned",
    "drift-defaulted",
    "drift-zero",
}
"""Rules that go beyond the API server: it takes such a CRD, and then drops a part of it or never accepts an object."""

GOOD_CHANGES: list[Change] = [
    put("spec:mode", {"type": "string", "nullable": True, "default": None}),
    put("spec:limit.default", "50%"),
    put("spec:limit.pattern", "^[0-9]+%?$"),
    put(
        "spec:limit",
        {
            "x-kubernetes-int-or-string": True,
            "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"pattern": "^[0-9]+$"}],
        },
    ),
    put("spec:labels", {"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
    put("spec:labels", {"x-kubernetes-preserve-unknown-fields": True}),
    put(SPEC + "oneOf", [{"required": ["mode"]}, {"properties": {"size": {"maximum": 3}}}]),
    put("spec:ports.default", [{"number": 1}]),
    put("spec:ports.items.x-kubernetes-validations", [{"rule": "self == oldSelf"}]),
    put("root:properties.metadata", thing({"name": {**TEXT, "maxLength": 40}})),
    put("spec:priority", {"type": "integer", "default": 0}),
    put("spec:default", {"type": "boolean"}),
    put("spec.versions.0.selectableFields", [{"jsonPath": ".spec.mode"}]),
]
