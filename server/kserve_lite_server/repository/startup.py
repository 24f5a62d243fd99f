"""From a model folder to a repository: one model, or one a sub-folder."""

import logging
import tempfile
from pathlib import Path

from kserve_lite_server.errors import ServeError, StartError
from kserve_lite_server.repository.repository import Repository
from kserve_lite_server.settings import Settings
from kserve_lite_server.sklearn.folder import ModelFile, find_model
from kserve_lite_server.sklearn.load import load_estimator
from kserve_lite_server.sklearn.model import Model, make_model

log = logging.getLogger(__name__)


class ModelsNeedOneWorker(StartError):
    """The workers would each have to fetch and load."""

    code = "models_need_one_worker"


def open_repository(settings: Settings) -> Repository:
    """Load what lies in the model folder, or is fetched into it first.

    One model: raises `ServeError` when it cannot be served. A folder of folders: a bad model is registered
    with its
    reason and the others serve; raises only when there is none at all.
    """
    if settings.model_config is not None:
        if settings.workers > 1:
            raise ModelsNeedOneWorker("--model_config works with one worker; remove --workers")
        return Repository(lambda name, folder: read_model(name, folder, settings))
    if settings.model_uri:
        _bring("--model_dir", settings.model_uri, settings.model_dir)
    subfolders = _subfolders(settings.model_dir)
    root = settings.model_dir if subfolders else None
    repository = Repository(lambda name, folder: read_model(name, folder, settings), root)
    if not subfolders:
        repository.register(settings.model_name, settings.model_dir)
        repository.load(settings.model_name)
        return repository
    for folder in subfolders:
        repository.register(folder.name, folder)
        try:
            repository.load(folder.name)
        except ServeError as error:
            log.error("model %s is not ready: %s", folder.name, error.message)
    return repository


def read_model(name: str, folder: Path, settings: Settings) -> Model:
    """Find, load and wrap one model."""
    file = find_model(folder)
    if file.remote is None:
        return _model(name, file, settings)
    with tempfile.TemporaryDirectory(prefix="kserve-lite-model-") as place:
        _bring("modelUri", file.remote, Path(place))
        return _model(name, ModelFile(find_model(Path(place)).path, file.method), settings)


def _model(name: str, file: ModelFile, settings: Settings) -> Model:
    loaded = load_estimator(file.path, settings.version_policy, settings.trusted_types)
    return make_model(name, file.path, loaded, file.method or settings.method)


def _bring(said: str, uri: str, place: Path) -> None:
    """Fetch what a flag or field names into a folder, by the code of the storage step."""
    from kserve_lite_server.storage.errors import StorageError
    from kserve_lite_server.storage.fetch import fetch  # its clients load only when a model lies elsewhere

    log.info("%s %s: fetching it", said, uri)
    try:
        fetch(uri, place)
    except StorageError as error:
        raise ServeError("model_download_failed", f"{said} {uri}: {error.message} {error.remedy}") from error


def _subfolders(folder: Path) -> list[Path]:
    """Folders that each may hold a model; none when the folder itself holds one."""
    try:
        find_model(folder)
    except ServeError as error:
        if error.code != "model_file_missing" or not folder.is_dir():
            return []
    else:
        return []
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))
    )
