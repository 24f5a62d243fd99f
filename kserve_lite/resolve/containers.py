"""Containers of a runtime and of a user's object made one: merged as KServe merges them, templates filled in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kserve_lite.api.problems import Problem

Container = Mapping[str, Any]

# Lists whose items are told apart by a field, as strategic merge patch has it; `args` are joined, other lists replaced.
_KEYED = {"env": "name", "volumeMounts": "mountPath", "volumeDevices": "devicePath"}
_KEYED_IN_PODS = {
    "volumes": "name",
    "initContainers": "name",
    "imagePullSecrets": "name",
    "resourceClaims": "name",
    "hostAliases": "ip",
}
_TEMPLATE = re.compile(r"\{\{-?\s*(?P<expression>.*?)\s*-?\}\}")
_FIELD = re.compile(r"\.(?P<field>Name|Namespace)$|\.(?P<map>Labels|Annotations)\.(?P<key>\w+)$")


@dataclass(frozen=True)
class Meta:
    """What templates may name: the object's name, namespace, labels and annotations."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def merge(base: Container, over: Container) -> dict[str, Any]:
    """Lay `over` upon `base`: args one after the other, env by its names, `over`'s ports first, objects by field."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if key == "args" and below:
            merged[key] = [*below, *value]
        elif key == "ports" and below:
            merged[key] = _ports(below, value)
        elif key in _KEYED and below:
            merged[key] = _by_key(below, value, _KEYED[key])
        elif isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def merge_pod(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the pod fields of a component upon those of its runtime, neither with containers."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if key in _KEYED_IN_PODS and below:
            merged[key] = _by_key(below, value, _KEYED_IN_PODS[key])
        elif isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def with_env(container: Container, **variables: str) -> dict[str, Any]:
    """Add variables that the user has not set."""
    present = {variable["name"] for variable in container.get("env") or ()}
    added = [{"name": name, "value": value} for name, value in variables.items() if name not in present]
    return {**container, "env": [*(container.get("env") or ()), *added]}


def env_value(container: Container, name: str) -> str | None:
    """Return the literal value of a variable, None if there is none."""
    return next((v.get("value") for v in container.get("env") or () if v["name"] == name), None)


def flag_value(container: Container, flag: str) -> str | None:
    """Return the last value that the arguments give to `--flag` (also spelt with dashes)."""
    found = None
    args = [str(arg) for arg in container.get("args") or ()]
    for arg, following in zip(args, [*args[1:], None], strict=False):
        name, equals, value = arg.removeprefix("--").partition("=")
        if arg.startswith("--") and name.replace("-", "_") == flag:
            found = value if equals else following
    return found


def with_tag(image: str, tag: str) -> str | None:
    """Return the image with another tag; None if a digest pins it."""
    if "@" in image:
        return None
    head, slash, last = image.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}:{tag}"


def fill_in(container: Container, meta: Meta, path: str) -> tuple[dict[str, Any], list[Problem]]:
    """Fill in `{{.Name}}`, `{{.Namespace}}`, `{{.Labels.x}}` and `{{.Annotations.x}}` in every string."""
    problems: list[Problem] = []

    def value_of(match: re.Match[str]) -> str:
        found = _FIELD.match(match["expression"])
        if found and found["field"]:
            return meta.name if found["field"] == "Name" else meta.namespace
        if found and (
            value := (meta.labels if found["map"] == "Labels" else meta.annotations).get(found["key"])
        ):
            return value
        missing = (
            f"the object has no {found['map'].lower().rstrip('s')} {found['key']}"
            if found
            else "it cannot be read"
        )
        problems.append(
            Problem(
                "template_unknown",
                path,
                f"{match[0]} has no value: {missing}",
                "templates may use .Name, .Namespace, .Labels.x and .Annotations.x that are set",
            )
        )
        return match[0]

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return _TEMPLATE.sub(value_of, value)
        if isinstance(value, Mapping):
            return {key: walk(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [walk(item) for item in value]
        return value

    return walk(container), problems


def all_filled_in(
    containers: Sequence[tuple[Container, str]], meta: Meta
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Fill in several containers, each with the path where it was written."""
    filled = [fill_in(container, meta, path) for container, path in containers]
    return [container for container, _ in filled], [problem for _, found in filled for problem in found]


def merged_by_name(
    base: Sequence[tuple[Container, str]], over: Sequence[tuple[Container, str]]
) -> list[tuple[Container, str]]:
    """Lay containers upon those of the same name, each with the path where it was written; the rest follow."""
    merged = {container.get("name"): (container, path) for container, path in base}
    for container, path in over:
        name = container.get("name")
        below = merged.get(name)
        merged[name] = (merge(below[0], container) if below else container, path)
    return list(merged.values())


def _ports(base: list[Any], over: list[Any]) -> list[Any]:
    """Put the user's ports first, as the first one is the Service's port 80; a number or a name is had only once."""
    numbers = {port.get("containerPort") for port in over}
    names = {port.get("name") for port in over} - {None}
    kept = [p for p in base if p.get("containerPort") not in numbers and p.get("name") not in names]
    return [*over, *kept]


def _by_key(base: list[Any], over: list[Any], key: str) -> list[Any]:
    merged = {item.get(key): item for item in base}
    merged.update({item.get(key): item for item in over})
    return list(merged.values())
