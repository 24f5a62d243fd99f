"""Credentials that a pod mounts: every Secret a folder, every entry a file, read by the names that KServe documents.

Files, not variables: nothing of them is shown by `kubectl describe`, and nothing stands in a process listing.
"""

import json
import os
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

from kserve_lite_server.storage.errors import StorageError

FOLDER = "STORAGE_SECRETS_DIR"
LARGEST = 1 << 20  # what a Secret can hold

# Entries that are settings of a store: these names, and all that begin so.
NAMES = frozenset({"awsAnonymousCredential", "HADOOP_USER_NAME", "STORAGE_EMULATOR_HOST"})
PREFIXES = ("AWS_", "S3_", "AZ_", "AZURE_", "HF_", "GIT_", "MLFLOW_TRACKING_")
ALIASES = {"awsAccessKeyID": "AWS_ACCESS_KEY_ID", "awsSecretAccessKey": "AWS_SECRET_ACCESS_KEY"}
GOOGLE = "gcloud-application-credentials.json"
HDFS = "HDFS_NAMENODE"
DOCKER = (".dockerconfigjson", ".dockercfg")


_loaded: set[str] = set()


def load(environment: MutableMapping[str, str] = os.environ) -> None:
    """Put what the mounted Secrets say into `environment`, beneath what it says itself.

    Of two Secrets the later name counts. Done again, it takes up what has changed in the files since.
    """
    for secret in _folders(environment.get(FOLDER)):
        for name, value in _settings(secret):
            if name in _loaded or name not in environment:
                environment[name] = value
                _loaded.add(name)


def docker_configs(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the files of registry passwords among the mounted Secrets."""
    return [
        secret / name
        for secret in _folders(environment.get(FOLDER))
        for name in DOCKER
        if (secret / name).is_file()
    ]


def _folders(root: str | None) -> list[Path]:
    if not root or not Path(root).is_dir():
        return []
    return sorted(folder for folder in Path(root).iterdir() if folder.is_dir())


def _settings(secret: Path) -> Iterator[tuple[str, str]]:
    """Yield the variables that one Secret stands for."""
    entries = {entry.name: entry for entry in secret.iterdir() if entry.is_file()}
    for name, entry in sorted(entries.items()):
        if name in ALIASES or name in NAMES or name.startswith(PREFIXES):
            yield ALIASES.get(name, name), _text(entry)
    if GOOGLE in entries:
        yield "GOOGLE_APPLICATION_CREDENTIALS", str(entries[GOOGLE])
    if HDFS in entries:
        yield "HDFS_SECRET_DIR", str(secret)
        if "N_THREADS" in entries:
            yield "N_THREADS", _text(entries["N_THREADS"])
    if "https-host" in entries:
        yield f"{_text(entries['https-host'])}-headers", _headers(entries)


def _headers(entries: Mapping[str, Path]) -> str:
    text = _text(entries["headers"]) if "headers" in entries else ""
    try:
        if isinstance(json.loads(text), dict):
            return text
    except ValueError:
        pass
    raise StorageError(
        "bad_setting",
        f"The Secret {entries['https-host'].parent.name} names an https-host, and its entry headers is no JSON object.",
        'Write headers as {"Authorization": "Bearer …"}.',
    )


def _text(entry: Path) -> str:
    """Read an entry without the newline that `echo` and editors leave at its end."""
    try:
        with entry.open(encoding="utf-8") as file:
            return file.read(LARGEST).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(
            "bad_setting",
            f"The entry {entry.name} of the Secret {entry.parent.name} can't be read as text.",
            "Correct the Secret; an entry under data is base64 once.",
        ) from error
