"""What lies in a model folder: which file is the model, and what `sklearnserver.yaml` says about it."""

import difflib
import json
import logging
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from kserve_lite_server.errors import ServeError

PREFERRED = ("model.joblib", "model.pkl", "model.pickle", "model.skops")
# A suffix for each format, and those that joblib's compressors add.
SUFFIXES = (".joblib", ".pkl", ".pickle", ".skops")
COMPRESSED = (".gz", ".z", ".bz2", ".xz", ".lzma")
SETTINGS_FILE = "sklearnserver.yaml"
MANIFEST_FILE = ".kserve-lite-manifest.json"
FORMATS = ("sklearn", "scikit-learn")
FIELDS = ("modelFormat", "modelUri", "method")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The file to load and the method that its folder asks for; or a `remote` address to fetch it from
    first."""

    path: Path
    method: str | None = None
    remote: str | None = None


def find_model(folder: Path) -> ModelFile:
    """Find the one model file. Raises `ServeError` naming the folder, what is in it and the remedy."""
    if not folder.is_dir():
        raise ServeError(
            "model_file_missing",
            f"model folder {folder} does not exist; set --model_dir to the folder that holds the model file",
        )
    settings = read_settings_file(folder / SETTINGS_FILE)
    method = settings.get("method")
    uri = settings.get("modelUri")
    if uri is None:
        return ModelFile(_only_model(folder), method)
    return _named_model(folder, uri, method)


def is_model_file(path: Path) -> bool:
    """Whether the name says that this is a model."""
    suffixes = [suffix for suffix in path.suffixes if suffix.lower() not in COMPRESSED]
    return path.is_file() and bool(suffixes) and suffixes[-1].lower() in SUFFIXES


def read_settings_file(path: Path) -> dict[str, str]:
    """Read `sklearnserver.yaml`; an absent one says nothing."""
    if not path.is_file():
        return {}
    from ruamel.yaml import YAML  # for the few folders with such a file: it is a tenth of a start
    from ruamel.yaml.error import YAMLError

    try:
        settings: Any = YAML(typ="safe", pure=True).load(path.read_text())
    except (YAMLError, UnicodeDecodeError) as error:
        raise ServeError(
            "model_settings_invalid", f"{path} is not YAML: {' '.join(str(error).split())}"
        ) from None
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ServeError("model_settings_invalid", f"{path} must hold fields, such as modelFormat: sklearn")
    for name, value in settings.items():
        if name not in FIELDS:
            nearest = difflib.get_close_matches(str(name), FIELDS, n=1)
            remedy = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(FIELDS)}"
            raise ServeError("model_settings_invalid", f"{path}: unknown field {name}; {remedy}")
        if not isinstance(value, str):
            raise ServeError("model_settings_invalid", f"{path}: {name} must be a string")
    model_format = settings.get("modelFormat", "sklearn")
    if model_format not in FORMATS:
        raise ServeError(
            "model_format_unsupported",
            f"{path}: modelFormat {model_format} is not supported; this server serves sklearn",
        )
    return settings


def _only_model(folder: Path) -> Path:
    found = sorted(path for path in folder.iterdir() if is_model_file(path))
    preferred = [path for path in found if path.name in PREFERRED]
    candidates = preferred or found
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        names = " and ".join(path.name for path in candidates)
        raise ServeError(
            "model_file_ambiguous",
            f"{folder} holds several model files: {names}; keep one, or name it as modelUri in "
            f"{SETTINGS_FILE}",
        )
    there = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
    raise ServeError(
        "model_file_missing",
        f"{folder} holds no model file (there is {there}); save the model there as {' or '.join(PREFERRED)}",
    )


def _named_model(folder: Path, uri: str, method: str | None) -> ModelFile:
    """The file that modelUri means: a path, a file that the storage step brought from there, or one to
    fetch."""
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        path = folder / unquote(parts.path)  # an absolute path wins over the folder
        return ModelFile(_existing(path, uri, folder), method)
    manifest = _manifest_sources(folder)
    for source in manifest:
        if local := _under(uri, source):
            return ModelFile(_existing(folder / local if local != "." else folder, uri, folder), method)
    beside = folder / PurePosixPath(unquote(parts.path)).name
    if not manifest and beside.is_file():
        log.info("modelUri %s: taking the file of that name beside %s", uri, SETTINGS_FILE)
        return ModelFile(beside, method)
    return ModelFile(beside, method, remote=uri)


def _existing(path: Path, uri: str, folder: Path) -> Path:
    if path.is_dir():
        return _only_model(path)
    if not path.is_file():
        raise ServeError(
            "model_file_missing",
            f"{folder / SETTINGS_FILE}: modelUri {uri} means {path}, which does not exist",
        )
    return path


def _manifest_sources(folder: Path) -> list[str]:
    path = folder / MANIFEST_FILE
    if not path.is_file():
        return []
    try:
        return [source["uri"] for source in json.loads(path.read_text())["sources"]]
    except (ValueError, KeyError, TypeError):
        raise ServeError(
            "model_settings_invalid",
            f"{path} is not a manifest of the storage step; download the model again",
        ) from None


def _under(uri: str, source: str) -> str | None:
    """The path of `uri` below `source`, "." for itself; None when it lies elsewhere."""
    base = source.rstrip("/")
    if uri.rstrip("/") == base:
        name = PurePosixPath(unquote(urlsplit(uri).path)).name
        return name if name.endswith((*SUFFIXES, *COMPRESSED)) else "."
    return unquote(uri[len(base) + 1 :]) if uri.startswith(base + "/") else None
