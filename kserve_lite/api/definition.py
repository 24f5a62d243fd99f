"""What every definition has in common: YAML names, strict types, no unknown field, values that never change."""

from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from kserve_lite.api.kubernetes import Shape


class Definition(BaseModel):
    """An object or a part of one. Attributes are snake_case; the YAML names are their camelCase, exactly."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        defer_build=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    def as_yaml(self) -> dict[str, Any]:
        """Return what was written, under its YAML names; what was left out stays out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


@cache
def names_of(kind: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """Return the fields of a definition, each with its YAML name; asked thousands of times by a controller."""
    return tuple((name, field.alias or name) for name, field in kind.model_fields.items())


class Status(Definition):
    """What the controller reports. The API server drops it from what users send, so nothing in it is refused."""

    model_config = ConfigDict(extra="ignore", strict=False)


class Resource(Definition):
    """A whole object, with the head that every Kubernetes object has."""

    api_version: str
    kind: str
    metadata: Annotated[dict[str, Any], Shape("ObjectMeta")]

    @property
    def name(self) -> str:
        """Name of the object."""
        name: str = self.metadata.get("name", "")
        return name

    @property
    def namespace(self) -> str:
        """Namespace of the object; without one it belongs to `default`, as for kubectl."""
        namespace: str = self.metadata.get("namespace", "default")
        return namespace

    @property
    def annotations(self) -> dict[str, str]:
        """Annotations of the object."""
        annotations: dict[str, str] = self.metadata.get("annotations", {})
        return annotations

    @property
    def labels(self) -> dict[str, str]:
        """Labels of the object."""
        labels: dict[str, str] = self.metadata.get("labels", {})
        return labels


class Bare:
    """Annotation of a field that exists only to be refused by a rule: its type, without what it would hold."""

    def __init__(self, type_: str) -> None:
        self.type = type_

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.dict_schema() if self.type == "object" else core_schema.list_schema()

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "object"} if self.type == "object" else {"type": "array", "items": {"type": "object"}}
