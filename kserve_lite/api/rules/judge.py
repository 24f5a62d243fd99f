"""Run rules over an object: every definition inside it against every rule on that definition."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel

from kserve_lite.api.definition import Resource, names_of
from kserve_lite.api.marks import Rule
from kserve_lite.api.paths import Path, dotted
from kserve_lite.api.problems import Problem


def violations(resource: Resource, rules: tuple[Rule, ...], old: Resource | None = None) -> list[Problem]:
    """Return a problem for every rule that does not hold; rules about a change only where `old` is given."""
    return [
        Problem(rule.id, dotted(path) + (rule.field or "") if path else (rule.field or "").lstrip("."), rule.message,
                rule.remedy)
        for path, new, before in definitions(resource, old)
        for rule in rules_on(type(new), rules, changing=before is not None)
        if broken(rule, new, before)
    ]  # fmt: skip


@cache
def rules_on(kind: type[BaseModel], rules: tuple[Rule, ...], *, changing: bool) -> tuple[Rule, ...]:
    """Return those of the rules that are about objects of a type, with what they were if `changing`.

    A controller asks thousands of times.
    """
    return tuple(rule for rule in rules if issubclass(kind, rule.on) and (changing or not rule.transition))


def broken(rule: Rule, new: BaseModel, old: BaseModel | None) -> bool:
    """Return whether `rule` does not hold."""
    if rule.transition:
        return isinstance(old, rule.on) and not rule.holds(new, old)
    return not rule.holds(new)


def definitions(value: Any, old: Any, path: Path = ()) -> Iterator[tuple[Path, BaseModel, BaseModel | None]]:
    """Yield every definition in `value`, outermost first, with what stood at the same place of `old`."""
    if isinstance(value, BaseModel):
        yield path, value, old if isinstance(old, BaseModel) else None
        written = value.model_fields_set
        for name, alias in names_of(type(value)):
            if name in written and name != "status":
                yield from definitions(getattr(value, name), getattr(old, name, None), (*path, alias))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from definitions(inner, old.get(key) if isinstance(old, dict) else None, (*path, key))
    elif isinstance(value, list):
        # As for the API server: items of an atomic list have no past.
        for index, inner in enumerate(value):
            yield from definitions(inner, None, (*path, index))
