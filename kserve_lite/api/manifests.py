"""From files to objects: every document of every file, with all that is wrong with each of them."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as File
from typing import Any, TypeVar

from pydantic import ValidationError

from kserve_lite.api.definition import Resource
from kserve_lite.api.faults import faults, nearest
from kserve_lite.api.kinds import GROUP, KINDS
from kserve_lite.api.marks import Kind
from kserve_lite.api.parsed import Parsed
from kserve_lite.api.paths import dotted
from kserve_lite.api.problems import InvalidObject, Place, Problem
from kserve_lite.api.rules import RULES, violations

R = TypeVar("R", bound=Resource)

SUFFIXES = {".yaml", ".yml", ".json"}


@dataclass(frozen=True)
class Manifest:
    """One valid object and where it was written."""

    resource: Resource
    source: Parsed

    def located(self, problem: Problem) -> Problem:
        """Return a problem found later with its line in the file."""
        return replace(problem, where=self.source.place(problem.path))


@dataclass
class Manifests:
    """What a set of files holds."""

    objects: list[Manifest] = field(default_factory=list)
    others: list[tuple[str, Place]] = field(default_factory=list)
    """Objects of other API groups (a Secret, a ServiceAccount): named, not judged."""
    texts: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """The files in ConfigMaps, by namespace and name: what a laptop lays where a pod would mount them."""
    accounts: list[dict[str, Any]] = field(default_factory=list)
    """ServiceAccounts as they are written: whose Secrets open the stores of models."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def resources(self) -> list[Resource]:
        """The valid objects."""
        return [manifest.resource for manifest in self.objects]

    def of(self, kind: type[R]) -> list[R]:
        """Return the valid objects of one kind."""
        return [resource for resource in self.resources if isinstance(resource, kind)]


def read(paths: Iterable[str | File]) -> Manifests:
    """Read files, and the YAML and JSON files of folders; `objects` are valid only when `problems` is empty."""
    from kserve_lite.api.yaml import parse  # only who reads files pays for it

    found = Manifests()
    for path in paths:
        for file in files(File(path), found.problems):
            before = len(found.objects) + len(found.others) + len(found.problems)
            if (text := text_of(file, found.problems)) is not None:
                collect(parse(text, str(file)), found)
                if before == len(found.objects) + len(found.others) + len(found.problems):
                    found.problems.append(empty(str(file)))
    refuse_twins(found)
    return found


def read_text(text: str, file: str = "<text>") -> Manifests:
    """Read the documents of one text."""
    from kserve_lite.api.yaml import parse

    found = Manifests()
    collect(parse(text, file), found)
    if not (found.objects or found.others or found.problems):
        found.problems.append(empty(file))
    refuse_twins(found)
    return found


def load(value: Any) -> Resource:
    """Return the object that a plain value stands for, as the API server hands it out.

    Raises `InvalidObject` with every problem.
    """
    found = Manifests()
    collect([Parsed(value, {"": Place("")})], found)
    if found.problems or not found.objects:
        raise InvalidObject(replace(problem, where=None) for problem in found.problems)
    return found.objects[0].resource


def files(path: File, problems: list[Problem]) -> Sequence[File]:
    """Return the files that `path` stands for."""
    if path.is_dir():
        inside = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
        if not inside:
            remedy = "name a folder that holds manifests"
            problems.append(
                Problem("no_manifests", "", "the folder holds no YAML or JSON file", remedy, Place(str(path)))
            )
        return inside
    return [path]


def text_of(file: File, problems: list[Problem]) -> str | None:
    """Return the text of a file, or say why it cannot be read."""
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except FileNotFoundError:
        code, message, remedy = "file_missing", "there is no such file", "check the path"
    except UnicodeDecodeError:
        code, message, remedy = "yaml_syntax", "this is not text in UTF-8", "save it as UTF-8 text"
    except OSError as error:
        code, message, remedy = (
            "file_unreadable",
            f"cannot be read: {error.strerror}",
            "check its permissions",
        )
    problems.append(Problem(code, "", message, remedy, Place(str(file))))
    return None


def empty(file: str) -> Problem:
    """Say that a file holds nothing."""
    return Problem("empty_file", "", "the file holds no object", "write a manifest into it", Place(file))


def collect(documents: Iterable[Parsed], found: Manifests) -> None:
    """Judge documents one by one; a List stands for its items."""
    for document in documents:
        found.problems.extend(document.problems)
        if document.value is None:
            continue
        if isinstance(document.value, dict) and document.value.get("kind") == "List":
            items = document.value.get("items")
            collect((item(document, index) for index in range(len(items or ()))), found)
        else:
            judge(document, found)


def item(document: Parsed, index: int) -> Parsed:
    """Return one item of a List as a document of its own."""
    prefix = f"items[{index}]"
    places = {
        path.removeprefix(prefix).removeprefix("."): at
        for path, at in document.places.items()
        if path.startswith(prefix)
    }
    return Parsed(document.value["items"][index], places)


def judge(document: Parsed, found: Manifests) -> None:
    """Put the object, or all that is wrong with it, into `found`."""
    value = document.value
    if not isinstance(value, dict):
        message = "this is no object: expected apiVersion, kind, metadata and spec"
        found.problems.append(Problem("not_an_object", "", message, "write a manifest", document.place("")))
        return
    kind = kind_of(document, found)
    if kind is None:
        return
    problems = list(nulls(value))
    try:
        resource = kind.model.model_validate(prune(value), by_name=False)
    except ValidationError as error:
        problems += faults(error, kind.model)
    else:
        assert isinstance(resource, Resource)
        problems += unnamed(resource) or violations(resource, RULES)
        if not problems:
            found.objects.append(Manifest(resource, document))
    found.problems += [replace(problem, where=document.place(problem.path)) for problem in problems]


def unnamed(resource: Resource) -> list[Problem]:
    """Refuse an object without a name: files, routes and status all go by it."""
    if resource.name:
        return []
    remedy = (
        "add `name`; generateName is not supported" if "generateName" in resource.metadata else "add `name`"
    )
    return [Problem("missing_field", "metadata.name", "this field is required", remedy)]


def kind_of(document: Parsed, found: Manifests) -> Kind | None:
    """Return the kind of an object; note one that belongs to others, and refuse what is neither."""
    value = document.value
    name, version = value.get("kind"), value.get("apiVersion")
    known = {kind.name: kind for kind in KINDS}
    ours = isinstance(version, str) and version.split("/")[0] in {GROUP, "serving.kubeflow.org"}
    if not isinstance(name, str) or not isinstance(version, str):
        for key in ("apiVersion", "kind"):
            if not isinstance(value.get(key), str):
                problem = Problem(
                    "missing_field", key, "this field is required", f"add `{key}`", document.place(key)
                )
                found.problems.append(problem)
        return None
    if name in known:
        if version == known[name].api_version:
            return known[name]
        message = f"{name} has apiVersion {known[name].api_version} here, not {version}"
        remedy = f"write {known[name].api_version}"
        found.problems.append(
            Problem("wrong_api_version", "apiVersion", message, remedy, document.place("apiVersion"))
        )
        return None
    if ours or nearest(name, list(known)):
        close = nearest(name, list(known))
        remedy = f"did you mean `{close}`?" if close else f"known kinds: {', '.join(known)}"
        found.problems.append(
            Problem("unknown_kind", "kind", f"there is no kind {name}", remedy, document.place("kind"))
        )
        return None
    metadata = value.get("metadata")
    title = metadata.get("name", "") if isinstance(metadata, dict) else ""
    found.others.append((f"{name} {title}".strip(), document.place("")))
    if name == "ConfigMap" and isinstance(data := value.get("data"), dict):
        where = metadata.get("namespace") or "default", title
        found.texts[where] = {str(key): text for key, text in data.items() if isinstance(text, str)}
    if name == "ServiceAccount":
        take_account(document, found)
    return None


def take_account(document: Parsed, found: Manifests) -> None:
    """Keep a ServiceAccount for the services beside it, or say what the API server would say of its lists."""
    value = document.value
    wrong = [
        key
        for key in ("secrets", "imagePullSecrets")
        if not isinstance(items := value.get(key) or [], list)
        or not all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in items)
    ]
    for key in wrong:
        message, remedy = "this is no list of names of Secrets", f"write `{key}: [{{name: …}}]`"
        found.problems.append(Problem("invalid_value", key, message, remedy, document.place(key)))
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        remedy = "add `name`"
        found.problems.append(
            Problem("missing_field", "metadata.name", "this field is required", remedy, document.place(""))
        )
    elif not wrong:
        found.accounts.append(value)


def nulls(value: Any, path: tuple[str | int, ...] = ()) -> Iterable[Problem]:
    """Yield every field that is written without a value: the API server refuses those in an object of ours."""
    for step, inner in children(value):
        if path == () and step in {"metadata", "status"}:
            continue
        at = (*path, step)
        if inner is None:
            yield Problem(
                "empty_value", dotted(at), "this field has no value", "give it one or remove the line"
            )
        else:
            yield from nulls(inner, at)


def children(value: Any) -> Iterable[tuple[str | int, Any]]:
    """Return the fields or items of a value."""
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def prune(value: Any) -> Any:
    """Return a copy without fields that have no value."""
    if isinstance(value, dict):
        return {key: prune(inner) for key, inner in value.items() if inner is not None}
    return [prune(inner) for inner in value if inner is not None] if isinstance(value, list) else value


def refuse_twins(found: Manifests) -> None:
    """Refuse the second of two objects with one kind, namespace and name."""
    seen: dict[tuple[str, str, str], Place] = {}
    for manifest in found.objects:
        resource = manifest.resource
        place = manifest.source.place("metadata.name")
        key = (resource.kind, resource.namespace, resource.name)
        if key in seen:
            message = (
                f"{resource.kind} {resource.namespace}/{resource.name} is given twice, first at {seen[key]}"
            )
            problem = Problem("duplicate_object", "metadata.name", message, "rename or remove one", place)
            found.problems.append(problem)
        seen.setdefault(key, place)
