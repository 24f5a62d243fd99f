"""Where a component's files come from: one list of storage steps, whichever field says it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kserve_lite.api.config import Storage as Settings
from kserve_lite.api.problems import Problem
from kserve_lite.api.storagecontainer import ClusterStorageContainer
from kserve_lite.resolve.catalogue import MODELS
from kserve_lite.resolve.containers import env_value
from kserve_lite.resolve.credentials import Store, named_store
from kserve_lite.resolve.effective import Fetcher, Mode, Storage

SCHEMES = (
    "s3",
    "gs",
    "azure",
    "abfs",
    "abfss",
    "https",
    "http",
    "hf",
    "oci",
    "oci+fetch",
    "oci+native",
    "pvc",
    "file",
    "webhdfs",
    "hdfs",
    "models",
)
STORE = "storage-config"
"""The scheme by which the storage step is told to look the store up itself: in an entry of a Secret."""
READ_ONLY = "storage.kserve.io/readonly"
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):/")
_CLAIM = re.compile(r"pvc://[a-z0-9]([-.a-z0-9]*[a-z0-9])?(/.*)?")
_PIN = re.compile(r"[?&]sha256=")


@dataclass(frozen=True)
class Reach:
    """What can be had where the service runs: settings, containers of the administrator's, the machine's own files.

    Plain paths exist only where the file lies, on a laptop; there the files of an image are downloaded as well.
    """

    settings: Settings = field(default_factory=Settings)
    containers: tuple[ClusterStorageContainer, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    container_name: str | None = None
    plain_paths: bool = False
    assigned: bool = False
    """TrainedModels name the service: it gets its models from a list."""


def steps(
    source: Mapping[str, Any], uris: Sequence[Mapping[str, Any]], field: str, component: str, reach: Reach
) -> tuple[tuple[Storage, ...], list[Problem]]:
    """Return the steps of `storageUri` or `storage` below `field` and of `storageUris` below `component`.

    With them comes everything that is wrong with them.
    """
    found: list[Storage] = []
    if (uri := source.get("storageUri")) or "storage" in source:
        found.append(_model(uri, source.get("storage"), field, reach))
    for i, item in enumerate(uris):
        place = item.get("mountPath") or MODELS
        found.append(_step(item["uri"], place, f"{component}.storageUris[{i}].uri", reach))
    return tuple(found), [problem for step in found for problem in judge(step, reach)]


def container_steps(
    container: Mapping[str, Any], field: str, reach: Reach
) -> tuple[tuple[Storage, ...], list[Problem]]:
    """Return the step that a container of the user's own asks for by its variable STORAGE_URI."""
    if not (uri := env_value(container, "STORAGE_URI")):
        return (), []
    step = _step(uri, MODELS, f"{field}.env[STORAGE_URI]", reach)
    return (step,), list(judge(step, reach))


def judge(step: Storage, reach: Reach) -> Iterator[Problem]:
    """Say what stands against a step: a scheme that nobody fetches, a claim without a name, a pin nobody checks."""
    known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
    asked = scheme(step.uri)
    if step.uri.startswith(f"{STORE}://") or step.fetcher is not None:
        return
    if reach.container_name and not reach.plain_paths and step.mode == "download":
        message = f"there is no ClusterStorageContainer {reach.container_name} that could fetch it"
        remedy = "correct storageContainerName; the container may be disabled, or for localModelDownloadJob"
        yield Problem("storage_container_unknown", step.path, message, remedy)
    if not asked and not reach.plain_paths:
        message = f"'{step.uri}' has no scheme, and a path of your machine does not exist in a cluster"
        yield Problem("storage_scheme_missing", step.path, message, f"use one of {known}")
    elif asked and asked.lower() not in SCHEMES:
        message = f"the scheme {asked}:// is not known"
        remedy = f"use one of {known}, or add a ClusterStorageContainer that fetches it"
        yield Problem("storage_scheme_unknown", step.path, message, remedy)
    elif step.mode == "claim" and not _CLAIM.fullmatch(step.uri):
        message = f"'{step.uri}' names no volume claim"
        yield Problem("storage_uri_invalid", step.path, message, "write pvc://CLAIM/FOLDER")
    if step.mode != "download" and _PIN.search(step.uri):
        message = f"sha256= is checked by a download, and {step.uri.partition(':')[0]}:// is mounted"
        remedy = "pin an image by …@sha256:DIGEST; take the pin of a claim away"
        yield Problem("storage_pin_unchecked", step.path, message, remedy)


def scheme(uri: str) -> str:
    """Return the scheme as it is written, empty for a path; MLflow's `models:/name/version` has one slash."""
    found = _SCHEME.match(uri)
    return found["scheme"] if found else ""


def _model(uri: str | None, storage: Mapping[str, Any] | None, field: str, reach: Reach) -> Storage:
    """Return the step of a model's own place; `storage` names where the keys are, and without a URI also the store."""
    if storage is None:
        return _step(uri or "", MODELS, f"{field}.storageUri", reach)
    store = named_store(storage, dict(reach.annotations), reach.settings.secret_name)
    if uri:
        return _step(uri, MODELS, f"{field}.storageUri", reach, store)
    address = f"{STORE}://{storage.get('key') or ''}/{(storage.get('path') or '').lstrip('/')}"
    return Storage(address, MODELS, f"{field}.storage", store=store, read_only=_read_only(reach))


def _step(uri: str, place: str, path: str, reach: Reach, store: Store | None = None) -> Storage:
    mode = _mode(uri, reach)
    fetcher = _fetcher(uri, reach) if mode == "download" else None
    read_only = _read_only(reach) and (mode != "claim" or reach.settings.pvc_read_only)
    return Storage(uri, place, path, mode, read_only, fetcher, store)


def _mode(uri: str, reach: Reach) -> Mode:
    scheme = uri.partition("://")[0].lower()
    if scheme == "pvc":
        return "claim"
    if scheme == "oci+native" and not reach.plain_paths:
        return "image"
    if scheme == "oci" and not reach.plain_paths:
        return _OCI[reach.settings.oci_mode]
    return "download"


_OCI: Mapping[str, Mode] = {"fetch": "download", "native": "image", "modelcar": "modelcar"}


def _read_only(reach: Reach) -> bool:
    return dict(reach.annotations).get(READ_ONLY, "").lower() != "false"


def _fetcher(uri: str, reach: Reach) -> Fetcher | None:
    """Return the administrator's container for a URI: the one that the service names, else the first that fits."""
    for one in sorted(reach.containers, key=lambda one: one.name):
        fits = one.name == reach.container_name if reach.container_name else _fits(one, uri)
        if fits and not one.disabled and one.spec.workload_type == "initContainer":
            return Fetcher(one.name, one.spec.container, one.spec.supports_multi_model_download)
    return None


def _fits(container: ClusterStorageContainer, uri: str) -> bool:
    return any(
        bool(form.prefix and uri.startswith(form.prefix)) or bool(form.regex and _matches(form.regex, uri))
        for form in container.spec.supported_uri_formats
    )


def _matches(pattern: str, uri: str) -> bool:
    try:
        return re.match(pattern, uri) is not None
    except re.error:  # RE2 and Python differ in little; what neither reads fits nothing
        return False
