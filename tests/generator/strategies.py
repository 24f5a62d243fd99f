"""Values near a schema: mostly what it asks for, now and then something else in one place."""

from typing import Any

from hypothesis import strategies as st

JUNK = [
    None,
    True,
    False,
    0,
    -1,
    7,
    2**40,
    1.5,
    "",
    "x",
    "on",
    "010",
    "1e3",
    "Mi",
    "a\n",
    "ä",
    [],
    [None],
    {},
    {"a": 1},
]


@st.composite
def near(draw: st.DrawFn, schema: dict[str, Any], definitions: dict[str, Any], depth: int = 0) -> Any:
    """A value for `schema`; below some depth only what is required."""
    if draw(st.integers(0, 24)) == 0:
        return draw(st.sampled_from(JUNK))
    while "$ref" in schema or "allOf" in schema:
        schema = (
            schema["allOf"][0] if "allOf" in schema else definitions[schema["$ref"].removeprefix("#/$defs/")]
        )
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches and "type" not in schema:
        return draw(near(draw(st.sampled_from(branches)), definitions, depth))
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = draw(st.sampled_from(kind))
    return draw(_OF_TYPE[kind](schema, definitions, depth))


@st.composite
def _object(draw: st.DrawFn, schema: dict[str, Any], definitions: dict[str, Any], depth: int) -> Any:
    value = {}
    declared = schema.get("properties", {})
    names = set(schema.get("required", ()))
    if optional := sorted(set(declared) - names):
        names |= set(draw(st.lists(st.sampled_from(optional), max_size=max(0, 4 - depth), unique=True)))
    for name in sorted(names):
        value[name] = draw(near(declared[name], definitions, depth + 1))
    free = schema.get("additionalProperties")
    if isinstance(free, dict) and depth < 6:
        keys = st.sampled_from(["iris", "a", "A", "on", "9", "x-y", "y" * 41, ""])
        for name in draw(st.lists(keys, max_size=2, unique=True)):
            value[name] = draw(near(free, definitions, depth + 1))
    if draw(st.integers(0, 24)) == 0:
        value["zzz"] = 1
    return value


@st.composite
def _array(draw: st.DrawFn, schema: dict[str, Any], definitions: dict[str, Any], depth: int) -> Any:
    size = schema.get("minItems", 0) + draw(st.integers(0, 1 if depth < 6 else 0))
    return [draw(near(schema.get("items", {"type": "object"}), definitions, depth + 1)) for _ in range(size)]


def _string(schema: dict[str, Any], *_: Any) -> st.SearchStrategy[Any]:
    plain = st.sampled_from(["", "a", "1", "1Gi", "100m", "50%", "10s", "x" * 41, "x" * 300])
    if "pattern" in schema:
        return st.one_of(plain, st.from_regex(schema["pattern"], fullmatch=True))
    return plain


def _integer(schema: dict[str, Any], *_: Any) -> st.SearchStrategy[Any]:
    low, high = schema.get("minimum", -2), schema.get("maximum", 70000)
    return st.sampled_from([low - 1, low, low + 1, high, high + 1])


_OF_TYPE: dict[Any, Any] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": lambda *_: st.sampled_from([-1, 0, 1, 0.5]),
    "boolean": lambda *_: st.booleans(),
    "null": lambda *_: st.none(),
    None: lambda *_: st.sampled_from(JUNK),
}
