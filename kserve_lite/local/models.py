"""TrainedModels on this machine: which belong to a service, as its server is told of them."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kserve_lite.api.manifests import Manifest
from kserve_lite.api.problems import Problem
from kserve_lite.api.trainedmodel import TrainedModel
from kserve_lite.local.volumes import local_path
from kserve_lite.local.watch import fingerprint
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.multimodel import entry

Declared = tuple[Manifest, TrainedModel]
FIELD = "spec.inferenceService"


@dataclass(frozen=True)
class Models:
    """The models of one service: names with what each is loaded from, the list as a file, the folders behind them."""

    sources: tuple[tuple[str, str], ...]
    text: str
    folders: tuple[Path, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which they answer."""
        return tuple(name for name, _ in self.sources)


def by_parent(declared: Iterable[Declared]) -> dict[str, list[Declared]]:
    """Group them by the `namespace/name` of the service that they name."""
    found: dict[str, list[Declared]] = {}
    for manifest, model in declared:
        found.setdefault(f"{model.namespace}/{model.spec.inference_service}", []).append((manifest, model))
    return found


def models_of(declared: Sequence[Declared], folder_of: Callable[[Manifest], Path]) -> Models:
    """Return the list of one service; a relative path starts where its YAML file lies."""
    sources, entries, folders = [], [], []
    for manifest, model in sorted(declared, key=lambda one: one[1].name):
        uri, revision = model.spec.model.storage_uri, ""
        if (path := local_path(uri, folder_of(manifest))) is not None:
            folders.append(path)
            uri, revision = f"file://{path}", _revision(path)
        sources.append((model.name, f"{uri}#{revision}" if revision else uri))
        entries.append(entry(model, uri, revision))
    return Models(tuple(sources), json.dumps(entries), tuple(folders))


def waiting(
    families: Mapping[str, Sequence[Declared]], services: Mapping[str, Effective]
) -> dict[str, Problem]:
    """Return the models that no server can have, by `namespace/name`, and what each waits for."""
    found: dict[str, Problem] = {}
    for key, declared in families.items():
        parent = services.get(key)
        if parent is not None and not parent.predictor.storage:
            continue
        for manifest, model in declared:
            found[f"{model.namespace}/{model.name}"] = manifest.located(_waits(model, key, parent))
    return found


def _waits(model: TrainedModel, key: str, parent: Effective | None) -> Problem:
    if parent is None:
        message = f"there is no InferenceService {key}: {model.name} waits for it"
        return Problem("parent_missing", FIELD, message, "add it to the files, or correct the name")
    message = f"the InferenceService {key} has a model of its own: {model.name} waits"
    return Problem("parent_has_own_model", FIELD, message, "remove its storageUri, or name another one")


def _revision(path: Path) -> str:
    """What changes when the files do."""
    return hashlib.sha256(repr(fingerprint([path])).encode()).hexdigest()[:12]
