"""Where a component's files come from: one list of storage steps, whichever field says it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kserve_lite.api.problems import Problem
from kserve_lite.resolve.catalogue import MODELS
from kserve_lite.resolve.containers import env_value
from kserve_lite.resolve.effective import Storage

SCHEMES = (
    "s3",
    "gs",
    "azure",
    "abfs",
    "https",
    "http",
    "hf",
    "oci",
    "pvc",
    "file",
    "git",
    "webhdfs",
    "hdfs",
    "models",
)
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):/")
_CLAIM = re.compile(r"pvc://[a-z0-9]([-.a-z0-9]*[a-z0-9])?(/.*)?")


def steps(
    source: Mapping[str, Any],
    uris: Sequence[Mapping[str, Any]],
    field: str,
    component: str,
    *,
    plain_paths: bool,
) -> tuple[tuple[Storage, ...], list[Problem]]:
    """Return the steps of `storageUri` below `field` and of `storageUris` below `component`, with what is wrong."""
    found: list[Storage] = []
    if uri := source.get("storageUri"):
        found.append(Storage(uri, MODELS, f"{field}.storageUri"))
    for i, item in enumerate(uris):
        found.append(
            Storage(item["uri"], item.get("mountPath") or MODELS, f"{component}.storageUris[{i}].uri")
        )
    problems = [problem for step in found for problem in judge(step, plain_paths=plain_paths)]
    if "storage" in source:
        message = "a store by its secret entry (storage.key, storage.path) is not read by this version"
        problems.append(
            Problem(
                "storage_not_supported", f"{field}.storage", message, "give the whole address as storageUri"
            )
        )
    return tuple(found), problems


def container_steps(
    container: Mapping[str, Any], field: str, *, plain_paths: bool
) -> tuple[tuple[Storage, ...], list[Problem]]:
    """Return the step that a container of the user's own asks for by its variable STORAGE_URI."""
    if not (uri := env_value(container, "STORAGE_URI")):
        return (), []
    step = Storage(uri, MODELS, f"{field}.env[STORAGE_URI]")
    return (step,), judge(step, plain_paths=plain_paths)


def judge(step: Storage, *, plain_paths: bool) -> list[Problem]:
    """Say whether the URI is one that can be fetched; plain paths exist only where the file lies, on a laptop."""
    known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
    found = _SCHEME.match(step.uri)
    if not found:
        if plain_paths:
            return []
        message = f"'{step.uri}' has no scheme, and a path of your machine does not exist in a cluster"
        return [Problem("storage_scheme_missing", step.path, message, f"use one of {known}")]
    if found["scheme"].lower() not in SCHEMES:
        message = f"the scheme {found['scheme']}:// is not known"
        return [Problem("storage_scheme_unknown", step.path, message, f"use one of {known}")]
    if found["scheme"] == "pvc" and not _CLAIM.fullmatch(step.uri):
        return [
            Problem(
                "storage_uri_invalid",
                step.path,
                f"'{step.uri}' names no volume claim",
                "write pvc://CLAIM/FOLDER",
            )
        ]
    return []
