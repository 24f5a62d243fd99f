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
        elif not keyword.startswith("x-kubernetes-") and keyword != "nullable":
            out[keyword] = value
    _number_bounds(out)
    if structural.get(INT_OR_STRING):
        out.pop("anyOf", None)
        out["type"] = ["integer", "string"]
    if "properties" in out and not judging and not structural.get(PRESERVE):
        out["additionalProperties"] = False
    if structural.get("nullable") and "type" in out:
        out["type"] = [*([out["type"]] if isinstance(out["type"], str) else out["type"]), "null"]
    return out


def _number_bounds(schema: Schema) -> None:
    """OpenAPI 3.0 says `exclusiveMinimum: true` beside `minimum`; draft-07 has the number itself."""
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if schema.get(exclusive) is True:
            schema[exclusive] = schema.pop(inclusive)
