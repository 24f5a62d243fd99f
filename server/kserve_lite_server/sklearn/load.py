"""From a file to a fitted estimator, with a sentence for everything that can go wrong on the way."""

import importlib.util
import json
import logging
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from kserve_lite_server.errors import ServeError
from kserve_lite_server.sklearn.inspect import VERSION, inspect_pickle

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """An estimator and the scikit-learn version that its file was made by, if it says so."""

    estimator: Any
    sklearn_version: str | None


def load_estimator(path: Path, version_policy: str = "warn", trusted_types: Sequence[str] = ()) -> Loaded:
    """Look into the file, then load it.

    Raises `ServeError` naming the file, the cause and the remedy: a missing module by name, another scikit-learn
    version when the policy is strict, the types of a .skops file that nobody trusts.
    """
    if path.suffix.lower() == ".skops":
        version = _skops_version(path)
        _check_version(path, version, version_policy)
        return Loaded(_load_skops(path, trusted_types), version)
    contents = inspect_pickle(path)
    for package in sorted(contents.packages):
        if importlib.util.find_spec(package) is None:
            raise _missing(path, package)
    version = max(contents.sklearn_versions, default=None)
    _check_version(path, version, version_policy)
    return Loaded(_load_pickle(path, version), version)


def _check_version(path: Path, version: str | None, policy: str) -> None:
    """Minor versions of scikit-learn may not read each other's files; patch versions do."""
    if version is None or version.split(".")[:2] == sklearn.__version__.split(".")[:2]:
        return
    said = f"{path} was made by scikit-learn {version}, this server has {sklearn.__version__}"
    if policy == "strict":
        raise ServeError(
            "model_version_mismatch",
            f"{said}; fit or save it again with {sklearn.__version__}, serve it with {version}, or allow it by "
            "--version_policy warn",
        )
    log.warning("%s; its answers may differ, compare them before you rely on it", said)


def _load_pickle(path: Path, version: str | None) -> Any:
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator = joblib.load(path)
    except ModuleNotFoundError as error:
        raise _missing(path, error.name or str(error)) from error
    except MemoryError:
        raise ServeError(
            "model_file_unreadable", f"{path} needs more memory than there is; raise the memory limit"
        ) from None
    except Exception as error:  # a pickle runs code: anything may come out of it
        made = (
            f"; it was made by scikit-learn {version}, this server has {sklearn.__version__}"
            if version
            else ""
        )
        raise ServeError(
            "model_file_unreadable",
            f"{path} cannot be loaded: {type(error).__name__}: {error}{made}; save the model again with joblib.dump",
        ) from error
    for warning in caught:
        if not issubclass(warning.category, InconsistentVersionWarning):  # said once, before loading
            log.warning("%s: %s", path, " ".join(str(warning.message).split()))
    return estimator


def _load_skops(path: Path, trusted_types: Sequence[str]) -> Any:
    try:
        import skops.io  # only .skops files pay for it
    except ModuleNotFoundError:
        raise _missing(path, "skops") from None
    try:
        untrusted = [name for name in skops.io.get_untrusted_types(file=path) if name not in trusted_types]
        if untrusted:
            names = ",".join(sorted(untrusted))
            raise ServeError(
                "model_types_untrusted",
                f"{path} builds types that are not trusted: {names}; if you trust them, set --trusted_types={names}",
            )
        return skops.io.load(path, trusted=list(trusted_types))
    except ServeError:
        raise
    except ModuleNotFoundError as error:
        raise _missing(path, error.name or str(error)) from error
    except Exception as error:  # a broken archive fails in any way it likes
        raise ServeError(
            "model_file_unreadable",
            f"{path} cannot be loaded: {type(error).__name__}: {error}; save the model again with skops.io.dump",
        ) from error


def _skops_version(path: Path) -> str | None:
    """The version that an estimator in a .skops file carries; a file that is no archive is refused when loaded."""
    try:
        with zipfile.ZipFile(path) as archive:
            schema = json.loads(archive.read("schema.json"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return _find_version(schema)


def _find_version(node: Any) -> str | None:
    if isinstance(node, dict):
        if isinstance(found := node.get(VERSION), dict):
            return str(json.loads(found["content"]))
        node = list(node.values())
    if isinstance(node, list):
        return next((version for item in node if (version := _find_version(item))), None)
    return None


def _missing(path: Path, module: str) -> ServeError:
    return ServeError(
        "model_module_missing",
        f"{path} needs the Python module {module}, which is not installed here; "
        f"add it to the server's image or environment, or fit the model without it",
    )
