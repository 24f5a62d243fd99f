"""Put a pinned Kubernetes type, or its fields, into a pydantic model."""

from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_snake
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from kserve_lite.api.kubernetes.checks import compile_schema
from kserve_lite.api.kubernetes.openapi import Schema, definitions, inline, without


class Shape:
    """Annotation of a field that holds a Kubernetes type: `Annotated[dict[str, Any], Shape("Toleration")]`.

    The value stays a plain dict under Kubernetes' own names. The validator is compiled at the first use.
    """

    def __init__(self, name: str, field: str | None = None, *, omit: tuple[str, ...] = ()) -> None:
        self.name = name
        self.field = field
        self.omit = frozenset(omit)

    @cached_property
    def schema(self) -> Schema:
        """The structural schema, still with references."""
        schema = definitions()[self.name]
        if self.field:
            schema = schema["properties"][self.field]
        return without(schema, self.omit) if self.omit else schema

    @cached_property
    def validator(self) -> SchemaValidator:
        """Checks a value and returns it."""
        return compile_schema(self.schema)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: self.validator.validate_python(value)
        )

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return inline(self.schema)


def inlined(name: str, *, only: tuple[str, ...] = (), omit: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return pydantic fields for those of a Kubernetes type, to stand beside a definition's own fields.

    For `pydantic.create_model`: attribute names in snake_case, aliases exactly as Kubernetes writes them.
    """
    fields = only or tuple(field for field in definitions()[name]["properties"] if field not in omit)
    return {
        to_snake(field): (Annotated[Any, Shape(name, field)] | None, Field(default=None, alias=field))
        for field in fields
    }
