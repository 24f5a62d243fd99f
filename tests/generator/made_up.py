"""A chart that does not exist, with every trap that a value can hold."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

TRAPS = [
    "on",
    "yes",
    "No",
    "y",
    "010",
    "0o17",
    "0x1F",
    "1.20",
    "1e3",
    "12345678",
    "1_000",
    "0b1",
    "1:30",
    "~",
    "null",
]
TRAPS += [
    ".inf",
    "-.INF",
    ".nan",
    "NaN",
    "2026-11-22",
    "=",
    "<<",
    "",
    " a",
    "a ",
    "- a",
    "a: b",
    "a #b",
    "#a",
    "{a}",
]
TRAPS += [
    "[a]",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a`",
    "'a'",
    '"a"',
    "a\nb",
    "a\n",
    "\n",
    "\ta",
    "a\\b",
    "ä",
    "\u2028",
    "\x7f",
]
TRAPS += [
    "True",
    "OFF",
    "-",
    "?",
    ":",
    "+1",
    "-1",
    ".5",
    "1.",
    "1e",
    "0.1e-3",
    "---",
    "...",
    "null ",
    "{{ .Name }}",
]


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Image(Closed):
    """An image."""

    repository: str = Field("kserve-lite", description="Where it is pulled from. More about it.")
    tag: str = Field("1.20", description="Its tag.")


class Chart(Closed):
    image: Image = Field(default_factory=Image, description="The image | to run.")
    traps: list[str] = Field(TRAPS, description="Strings that YAML 1.1 takes for something else.")
    by_key: dict[str, str] = Field(
        {trap: trap for trap in TRAPS}, alias="byKey", description="The same as keys."
    )
    size: int = Field(12345678, gt=0, description="A large number.")
    share: float = Field(0.5, ge=0, le=1, description="A share.")
    limit: int | str | None = Field(None, description="A number or a percentage.")
    models: dict[Annotated[str, Field(pattern="^[a-z]+$")], Image | None] = Field(
        {}, description="Models by name.", examples=[{"iris": {"tag": "1.0"}}]
    )
