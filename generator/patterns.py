"""Whether a pattern means the same to the API server (Go RE2), to Helm and to pydantic (Rust)."""

import re

from pydantic_core import SchemaError, SchemaValidator, core_schema

_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
# Rust's engine takes these; Go's does not, or reads them otherwise.
_NOT_GO = {
    r"(?<!\\)(?:\\\\)*\\[uU]": "has a \\u escape",
    r"\[[^\]]*(&&|~~|--)": "has a set operation in a character class",
}
_GO_MAX_REPEAT = 1000


def fault_of_pattern(pattern: str) -> str | None:
    """Return what keeps Go's linear-time engine from compiling `pattern`, or None when nothing does."""
    if _LOOK_AROUND.search(pattern):
        return "looks around"
    try:
        SchemaValidator(core_schema.str_schema(pattern=pattern))
    except SchemaError:
        return "does not compile in a linear-time engine"
    for foreign, fault in _NOT_GO.items():
        if re.search(foreign, pattern):
            return fault
    if any(int(n) > _GO_MAX_REPEAT for n in re.findall(r"\{(?:\d*,)?(\d+)", pattern)):
        return f"repeats more than {_GO_MAX_REPEAT} times"
    return None
