"""OpenAPI 3.1 of the REST endpoints, with each model's own columns, tensors and a request that works."""

from collections.abc import Sequence
from typing import Any

from kserve_lite_server import __version__
from kserve_lite_server.errors import STATUS
from kserve_lite_server.protocol.datatypes import DTYPES
from kserve_lite_server.sklearn.describe import describe
from kserve_lite_server.sklearn.model import Model

Schema = dict[str, Any]

ERROR: Schema = {
    "type": "object",
    "required": ["error", "code"],
    "properties": {"error": {"type": "string"}, "code": {"type": "string", "enum": sorted(STATUS)}},
}
PARAMETERS: Schema = {
    "type": ["object", "null"],
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}
READY: Schema = {"type": "object", "properties": {"name": {"type": "string"}, "ready": {"type": "boolean"}}}
DATA: Schema = {"type": "array", "items": {"type": ["number", "string", "boolean", "array", "null"]}}


def document(models: Sequence[Model]) -> Schema:
    """The document for these models."""
    paths: dict[str, Any] = {
        "/v2": {"get": _operation("Server metadata", {"type": "object"})},
        "/v2/health/live": {"get": _operation("Whether the process answers", {"type": "object"})},
        "/v2/health/ready": {
            "get": _operation("Whether every model answers", {"type": "object"}, errors=("503",))
        },
        "/v1/models": {"get": _operation("Names of the models", {"type": "object"})},
    }
    for model in models:
        paths |= _model_paths(model)
    return {
        "openapi": "3.1.0",
        "info": {"title": ", ".join(model.name for model in models) or "kserve-lite", "version": __version__},
        "paths": paths,
        "components": {"schemas": {"Error": ERROR}},
    }


def _model_paths(model: Model) -> dict[str, Any]:
    v1, v2 = f"/v1/models/{model.name}", f"/v2/models/{model.name}"
    sample = describe(model)["parameters"]["sample_request"]
    return {
        v1: {"get": _operation(f"Whether {model.name} answers", READY, errors=("503",))},
        f"{v1}:predict": {"post": _operation("Predict rows", _predictions(), _instances(), sample)},
        v2: {"get": _operation(f"What {model.name} takes and gives", {"type": "object"}, errors=("503",))},
        f"{v2}/ready": {"get": _operation(f"Whether {model.name} answers", READY, errors=("503",))},
        f"{v2}/infer": {"post": _operation("Infer from tensors", _infer_response(), _infer_request())},
    }


def _operation(
    summary: str, answer: Schema, body: Schema | None = None, example: Any = None, errors: Sequence[str] = ()
) -> Schema:
    refusals = (*errors, "400", "404", "413", "415", "429", "500", "503", "504") if body else errors
    error = {
        "description": "Refused",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if summary == "Whether every model answers":
        error = {"description": "Not ready", "content": {"application/json": {"schema": {"type": "object"}}}}
    operation: Schema = {
        "summary": summary,
        "responses": {
            "200": {"description": "Answered", "content": {"application/json": {"schema": answer}}},
            **dict.fromkeys(refusals, error),
        },
    }
    if body:
        content: Schema = {"schema": body}
        if example is not None:
            content["example"] = example
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _instances() -> Schema:
    rows: Schema = {"type": ["array", "object"], "minItems": 1, "minProperties": 1}
    return {
        "type": "object",
        "properties": {"instances": rows, "parameters": PARAMETERS},
        "required": ["instances"],
    }


def _predictions() -> Schema:
    return {"type": "object", "required": ["predictions"], "properties": {"predictions": {"type": "array"}}}


def _tensor() -> Schema:
    return {
        "name": {"type": "string", "minLength": 1},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "datatype": {"type": "string", "enum": list(DTYPES)},
        "parameters": PARAMETERS,
        "data": DATA,
    }


def _infer_request() -> Schema:
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": _tensor(),
        "additionalProperties": False,
    }
    output = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "parameters": PARAMETERS},
    }
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "parameters": PARAMETERS,
            "inputs": {"type": "array", "items": tensor, "minItems": 1},
            "outputs": {"type": "array", "items": output},
        },
    }


def _infer_response() -> Schema:
    tensor = {"type": "object", "required": ["name", "shape", "datatype"], "properties": _tensor()}
    return {
        "type": "object",
        "required": ["model_name", "id", "outputs"],
        "properties": {
            "model_name": {"type": "string"},
            "id": {"type": "string"},
            "outputs": {"type": "array", "items": tensor},
        },
    }
