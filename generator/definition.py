"""pydantic's JSON schema of a model, with the Python names kept for rules and error messages."""

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]

FIELD = "x-python-field"
MODEL = "x-python-model"
NAMES = frozenset({FIELD, MODEL})
REF = "#/$defs/"


@cache
def define(model: type[BaseModel], omit: tuple[str, ...] = ()) -> "Definition":
    """Return the definition of `model`; asked for by several artefacts, made once. Not to be changed."""
    return Definition(model, omit)


class Definition:
    """The JSON schema of one model less the fields `omit`; `models` has the class behind each `x-python-model`."""

    def __init__(self, model: type[BaseModel], omit: tuple[str, ...]) -> None:
        model.model_rebuild()
        naming = _Naming(by_alias=True, ref_template=REF + "{model}")
        self.schema: Schema = naming.generate(model.__pydantic_core_schema__, mode="validation")
        self.definitions: dict[str, Schema] = self.schema.pop("$defs", {})
        self.models = naming.models
        root = self.schema
        while "$ref" in root:
            root = self.definitions[root["$ref"].removeprefix(REF)]
        root["properties"] = {name: value for name, value in root["properties"].items() if name not in omit}
        if "required" in root:
            root["required"] = [name for name in root["required"] if name not in omit]

    def resolve(self, node: Schema) -> tuple[Schema, str]:
        """Follow one `$ref`; keys that stand beside it win. Returns the node and the definition's name."""
        name = node["$ref"].removeprefix(REF)
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {**self.definitions[name], **beside}, name


class _Naming(GenerateJsonSchema):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.models: dict[str, type[BaseModel]] = {}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        rendered = super().model_schema(schema)
        model = schema["cls"]
        name = f"{model.__module__}.{model.__qualname__}"
        self.models[name] = model
        if "$ref" not in rendered:
            rendered[MODEL] = name
        properties = rendered.get("properties", {})
        for field, info in model.model_fields.items():
            alias = info.validation_alias if isinstance(info.validation_alias, str) else info.alias or field
            if alias in properties:
                properties[alias][FIELD] = f"{model.__name__}.{field}"
        return rendered
