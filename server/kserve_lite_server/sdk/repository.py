"""The models of a server by name, under KServe's names: subclass it to load models while serving."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kserve_lite_server.sdk.model import BaseKServeModel


class ModelRepository:
    """Named models; `load` and `load_model` are for subclasses that know where models come from."""

    def __init__(self, models_dir: str = "/mnt/models") -> None:
        self.models: dict[str, BaseKServeModel] = {}
        self.models_dir = models_dir

    def load_models(self) -> None:
        """Load one model a sub-folder."""
        for folder in sorted(Path(self.models_dir).iterdir()):
            if folder.is_dir():
                self.load_model(folder.name)

    def set_models_dir(self, models_dir: str) -> None:
        """Look for models elsewhere."""
        self.models_dir = models_dir

    def get_model(self, name: str) -> "BaseKServeModel | None":
        """The model of that name, if there is one."""
        return self.models.get(name)

    def get_models(self) -> "dict[str, BaseKServeModel]":
        """All models."""
        return self.models

    async def is_model_ready(self, name: str) -> bool:
        """Whether the model answers."""
        model = self.get_model(name)
        return model is not None and await model.healthy()

    def update(self, model: "BaseKServeModel", name: str | None = None) -> None:
        """Add or replace a model, under its own or another name."""
        self.models[name or model.name] = model

    def load(self, name: str) -> bool:
        """Load a model again: by its own `load`."""
        model = self.get_model(name)
        return False if model is None else model.load()

    def load_model(self, name: str) -> bool:
        """Load a model from `models_dir`."""
        return self.load(name)

    def unload(self, name: str) -> None:
        """Stop a model and forget it. Raises `KeyError`."""
        model = self.models[name]
        model.stop()
        if model.engine:
            model.stop_engine()
        del self.models[name]
