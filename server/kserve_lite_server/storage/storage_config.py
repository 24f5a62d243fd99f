"""An entry of the `storage-config` Secret: the store that `storage: {key, path, parameters}` names, with its keys.

The entry is a JSON object with a `type`, read from the variable STORAGE_CONFIG or the file that the pod mounts; what
`parameters` say (STORAGE_OVERRIDE_CONFIG) goes before it.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.uri import Location, parse

SCHEME = "storage-config"
FOLDER = "STORAGE_CONFIG_DIR"
KEY = "STORAGE_CONFIG_KEY"
TYPES = ("s3", "hdfs", "webhdfs")


def resolved(location: Location, environment: Mapping[str, str]) -> Location:
    """Return the location that `storage-config://KEY/PATH` stands for; any other is returned as it is.

    Without a KEY the entry is `default_TYPE` when the parameters say a type, else `default`.
    """
    if location.scheme != SCHEME:
        return location
    key, _, path = location.address.partition("://")[2].partition("/")
    store = store_entry(environment, key)
    kind = store.get("type")
    if kind not in TYPES:
        raise StorageError(
            "bad_setting",
            f"The storage entry {key or 'default'} has the type {kind!r}; known are {', '.join(TYPES)}.",
            f"Give it a type: an entry {key or 'default'} of the Secret, or parameters.type; "
            "for other stores write storageUri.",
        )
    if kind != "s3":
        return parse(f"{kind}://{path.lstrip('/')}")._replace(sha256=location.sha256, store=key)
    if not store.get("bucket"):
        raise StorageError(
            "bad_setting",
            f"The storage entry {key or 'default'} names no bucket.",
            "Add bucket to the entry of the Secret, or to storage.parameters.",
        )
    return parse(f"s3://{store['bucket']}/{path.lstrip('/')}")._replace(sha256=location.sha256, store=key)


def store_entry(environment: Mapping[str, str], key: str = "") -> dict[str, str]:
    """Return the entry with the parameters laid over it; an empty one when nothing names a store."""
    given = _object(environment.get("STORAGE_OVERRIDE_CONFIG"), "STORAGE_OVERRIDE_CONFIG")
    return {**_stored(environment, key or environment.get(KEY, ""), given.get("type")), **given}


def _stored(environment: Mapping[str, str], key: str, kind: str | None) -> dict[str, str]:
    if text := environment.get("STORAGE_CONFIG"):
        return _object(text, "STORAGE_CONFIG")
    if not (folder := environment.get(FOLDER)):
        return {}
    for name in [key] if key else [f"default_{kind}" if kind else "default"]:
        file = Path(folder) / name
        if file.is_file():
            return _object(file.read_text(), f"entry {name} of the storage Secret")
    if key:
        raise StorageError(
            "bad_setting",
            f"The storage Secret has no entry {key}, or does not exist in this namespace.",
            f"Add {key} to it: a JSON object with type, bucket and credentials.",
        )
    return {}


def _object(text: str | None, where: str) -> dict[str, str]:
    """Read a JSON object of strings. Nothing of it is in the error: it holds passwords."""
    try:
        document = json.loads(text or "{}")
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise StorageError(
            "bad_setting", f"The {where} is not a JSON object.", "Correct the entry of the storage Secret."
        )
    return {str(name): str(value) for name, value in document.items()}
