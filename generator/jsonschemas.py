"""From a structural schema to JSON Schema draft-07, for kubeconform, editors and the check of defaults.

Objects with declared properties are closed: where an API server prunes an unknown field, a file on disk has a typo.
"""

from generator.definition import Schema
from generator.keywords import INT_OR_STRING, PRESERVE

DRAFT = "http://json-schema.org/draft-07/schema#"


def json_schema(structural: Schema, *, judging: bool = False) -> Schema:
    """Return the draft-07 schema that accepts what the API server accepts without pruning.

    `judging`: inside allOf, anyOf, oneOf and not, where objects are judged and must not be closed.
    """
    out: Schema = {}
    for keyword, value in structural.items():
        if keyword == "properties":
            out[keyword] = {name: json_schema(child, judging=judging) for name, child in value.items()}
        elif keyword in ("items", "additionalProperties"):
            out[keyword] = json_schema(value, judging=judging)
        elif keyword == "not":
            out[keyword] = json_schema(value, judging=True)
        elif keyword in ("allOf", "anyOf", "oneOf"):
            out[keyword] = [json_schema(branch, judging=True) for branch in value]
        else:
            out[keyword] = value
    return draft_07_node(out, judging=judging)


def draft_07_node(node: Schema, *, judging: bool = False) -> Schema:
    """Return one node in the words of draft-07, what lies below it left as it is."""
    out = {keyword: value for keyword, value in node.items() if not keyword.startswith("x-kubernetes-")}
    if node.get(INT_OR_STRING):
        out.pop("anyOf", None)
        out["type"] = ["integer", "string"]
    if out.pop("nullable", False):
        out["type"] = [*([out["type"]] if isinstance(out["type"], str) else out["type"]), "null"]
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if out.get(exclusive) is True:
            out[exclusive] = out.pop(inclusive)
    if "properties" in out and not judging and not node.get(PRESERVE):
        out.setdefault("additionalProperties", False)
    return out
