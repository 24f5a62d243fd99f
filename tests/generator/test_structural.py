"""pydantic models become structural schemas, or are refused by the name of the Python field."""

import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from generator.checker.shape import check_shape
from generator.refusal import Refused
from generator.structural import structural
from kserve_lite.api.marks import ATOMIC, ATOMIC_MAP, DEFAULTED, SET, Rule, keyed


def schema_of(field_type: Any, field: Any = ...) -> dict[str, Any]:
    """The structural schema of one field of this type."""
    model = type("Probe", (BaseModel,), {"__annotations__": {"it": field_type}, "it": field})
    schema: dict[str, Any] = structural(model)["properties"]["it"]
    return schema


class Port(BaseModel):
    """A port. It has a number."""

    model_config = ConfigDict(extra="forbid")
    number: int = Field(alias="portNumber", description="Port number. Above 1023 for ordinary users.")
    protocol: str = Field("TCP", json_schema_extra=DEFAULTED)


class File(BaseModel):
    kind: Literal["file"]
    path: str


class Bucket(BaseModel):
    kind: Literal["bucket"]
    region: str = ""
    path: str


@pytest.mark.parametrize(
    ("field_type", "expected"),
    [
        pytest.param(str, {"type": "string"}, id="plain"),
        pytest.param(str | None, {"type": "string"}, id="optional is the type itself, without null"),
        pytest.param(Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}, id="literals"),
        pytest.param(Literal["a"], {"type": "string", "enum": ["a"]}, id="const"),
        pytest.param(Literal[1, 2], {"type": "integer", "enum": [1, 2]}, id="integer literals"),
        pytest.param(
            Annotated[int, Field(gt=0, le=5)],
            {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 5},
            id="exclusive bound is a flag beside the bound",
        ),
        pytest.param(
            Annotated[float, Field(lt=1.5)],
            {"type": "number", "maximum": 1.5, "exclusiveMaximum": True},
            id="exclusive upper bound",
        ),
        pytest.param(
            dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}, id="map"
        ),
        pytest.param(
            set[str],
            {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
            id="set is a list type, not uniqueItems",
        ),
        pytest.param(
            int | str,
            {"x-kubernetes-int-or-string": True},
            id="int or string",
        ),
        pytest.param(
            Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern="^[0-9]+%$")] | None,
            {
                "pattern": "^[0-9]+%$",
                "minimum": 1,
                "x-kubernetes-int-or-string": True,
            },
            id="bounds of int or string stand outside anyOf",
        ),
        pytest.param(
            Decimal,
            {"x-kubernetes-int-or-string": True},
            id="decimal",
        ),
        pytest.param(bytes, {"type": "string", "format": "byte"}, id="bytes travel as base64"),
        pytest.param(datetime.timedelta, {"type": "string"}, id="pydantic's duration is not Go's"),
        pytest.param(datetime.datetime, {"type": "string", "format": "date-time"}, id="date-time"),
        pytest.param(
            Annotated[dict[Annotated[str, Field(pattern="^[a-z]+$")], int], Field(max_length=8)],
            {
                "type": "object",
                "maxProperties": 8,
                "additionalProperties": {"type": "integer"},
                "x-kubernetes-validations": [
                    {
                        "rule": 'self.all(key, key.matches("^[a-z]+$"))',
                        "message": "every key must satisfy pattern ^[a-z]+$",
                    }
                ],
            },
            id="a pattern for keys becomes a bounded CEL rule",
        ),
    ],
)
def test_a_type_becomes_its_structural_form(field_type: Any, expected: dict[str, Any]) -> None:
    assert schema_of(field_type) == expected


def test_references_are_inlined_and_what_the_field_says_wins() -> None:
    schema = schema_of(Port, Field(description="Where it listens. More about it."))
    assert schema == {
        "type": "object",
        "description": "Where it listens.",
        "required": ["portNumber"],
        "properties": {
            "portNumber": {"type": "integer", "description": "Port number."},
            "protocol": {"type": "string", "default": "TCP"},
        },
    }


def test_items_of_a_list_carry_no_description_and_marks_pass_through() -> None:
    schema = schema_of(list[Port] | None, Field(None, json_schema_extra=keyed("portNumber", "protocol")))
    assert "description" not in schema["items"]
    assert schema["x-kubernetes-list-type"] == "map"
    assert schema["x-kubernetes-list-map-keys"] == ["portNumber", "protocol"]


def test_only_a_marked_default_reaches_the_api_server() -> None:
    assert "default" not in schema_of(str, Field("x"))
    assert schema_of(str, Field("x", json_schema_extra=DEFAULTED))["default"] == "x"
    assert schema_of(int, Field(0, json_schema_extra=DEFAULTED))["default"] == 0


def test_a_discriminated_union_keeps_the_variants_apart() -> None:
    schema = schema_of(Annotated[File | Bucket, Field(discriminator="kind")])
    assert schema["properties"]["kind"] == {"type": "string", "enum": ["file", "bucket"]}
    assert schema["oneOf"] == [
        {
            "properties": {"kind": {"enum": ["file"]}},
            "required": ["kind", "path"],
            "not": {"anyOf": [{"required": ["region"]}]},
        },
        {"properties": {"kind": {"enum": ["bucket"]}}, "required": ["kind", "path"]},
    ]


def test_a_structural_schema_passes_through_unchanged() -> None:
    shape = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "protocol": {"type": "string", "default": "TCP"},
            "limit": {"pattern": "^[0-9]+$", "x-kubernetes-int-or-string": True},
            "labels": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "x-kubernetes-map-type": "atomic",
            },
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }

    class Embedded:
        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
            return handler(dict[str, Any])

        @classmethod
        def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
            return shape

    assert schema_of(Embedded) == shape
    assert schema_of(list[Embedded])["items"] == shape


def test_rules_stand_wherever_their_model_or_a_child_of_it_occurs() -> None:
    class Busy(Port):
        load: int = 0

    class Host(BaseModel):
        main: Port
        others: list[Busy] = []

    rule = Rule(
        id="P1",
        on=Port,
        cel="self.portNumber > 0",
        message="the number must be positive",
        remedy="set portNumber to 1 or more",
        holds=lambda port: port.number > 0,
        field=".portNumber",
    )
    expected = [
        {
            "rule": "self.portNumber > 0",
            "message": "P1: the number must be positive; set portNumber to 1 or more",
            "fieldPath": ".portNumber",
        }
    ]
    schema = structural(Host, [rule])
    assert schema["properties"]["main"]["x-kubernetes-validations"] == expected
    assert schema["properties"]["others"]["items"]["x-kubernetes-validations"] == expected


def test_what_the_api_server_assumes_anyway_is_not_said() -> None:
    redundant = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
    assert schema_of(int | str, Field(json_schema_extra=redundant)) == {"x-kubernetes-int-or-string": True}
    assert "x-kubernetes-list-type" not in schema_of(list[str], Field(json_schema_extra=ATOMIC))


def test_a_map_that_one_owner_replaces_is_marked() -> None:
    schema = schema_of(dict[str, str], Field({}, json_schema_extra=ATOMIC_MAP))
    assert schema["x-kubernetes-map-type"] == "atomic"
    assert schema_of(list[str], Field([], json_schema_extra=SET))["x-kubernetes-list-type"] == "set"


class Node(BaseModel):
    children: list["Node"] = []


@pytest.mark.parametrize(
    ("field_type", "said"),
    [
        pytest.param(tuple[int, str], "a tuple has no structural form", id="tuple"),
        pytest.param(Any, "a bare Any", id="any"),
        pytest.param(list[Any], "a bare Any", id="list of any"),
        pytest.param(list, "a bare Any", id="bare list"),
        pytest.param(dict[str, Any], "its values are untyped", id="dict of any"),
        pytest.param(int | bool, "a union has no structural form", id="union of other types"),
        pytest.param(File | Port, "a union has no structural form", id="union without a discriminator"),
        pytest.param(None, "'null' has no structural form", id="null"),
        pytest.param(dict[Annotated[str, Field(pattern="^a")], int], "an unbounded map", id="unbounded keys"),
        pytest.param(
            Annotated[str, Field(json_schema_extra={"pattern": "^(?!x)"})], "looks around", id="look-ahead"
        ),
        pytest.param(
            Annotated[str, Field(json_schema_extra={"pattern": "(?<=x)y"})], "looks around", id="look-behind"
        ),
        pytest.param(
            Annotated[str, Field(json_schema_extra={"pattern": r"(a)\1"})],
            "does not compile",
            id="back-reference",
        ),
        pytest.param(
            Annotated[str, Field(json_schema_extra={"pattern": "a{2000}"})], "more than 1000", id="repeat"
        ),
        pytest.param(
            Annotated[str, Field(json_schema_extra={"pattern": r"\u0041"})], r"\u escape", id="escape"
        ),
        pytest.param(Annotated[str, Field(json_schema_extra={"format": "iri"})], "format 'iri'", id="format"),
        pytest.param(
            Annotated[str, Field(json_schema_extra={"contains": {}})], "`contains` has no", id="other keyword"
        ),
    ],
)
def test_what_has_no_structural_form_is_refused_by_its_python_name(field_type: Any, said: str) -> None:
    with pytest.raises(Refused) as refusal:
        schema_of(field_type)
    assert refusal.value.field.startswith("Probe.it")
    assert said in refusal.value.reason
    assert refusal.value.remedy


def test_a_cycle_is_refused_with_its_way_round() -> None:
    with pytest.raises(Refused, match=r"Node\.children\[\]: the types form a cycle \(Node -> Node\)"):
        structural(Node)


def test_a_field_is_named_as_python_spells_it_even_below_an_alias() -> None:
    class Deep(BaseModel):
        wrong_thing: tuple[int, int] = Field(alias="wrongThing")

    class Root(BaseModel):
        many: list[Deep]

    with pytest.raises(Refused) as refusal:
        structural(Root)
    assert refusal.value.field == "Deep.wrong_thing"


def test_variants_that_disagree_about_a_field_are_refused() -> None:
    class Queue(BaseModel):
        kind: Literal["queue"]
        path: int

    with pytest.raises(Refused, match="disagree about `path`"):
        schema_of(Annotated[File | Queue, Field(discriminator="kind")])


def test_what_the_converter_writes_is_structural() -> None:
    class Everything(BaseModel):
        port: Port
        place: Annotated[File | Bucket, Field(discriminator="kind")]
        sizes: dict[str, int | str] = {}
        tags: set[str] = set()

    assert list(check_shape(structural(Everything))) == []
