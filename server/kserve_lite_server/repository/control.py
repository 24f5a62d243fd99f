"""Loading and unloading while serving: in this process, or in every worker of a server."""

from typing import Protocol

from kserve_lite_server.repository.repository import Repository


class Control(Protocol):
    """Whoever carries out what the repository extension asks for."""

    def load(self, name: str) -> None:
        """Load or reload; raises `ServeError`. Returns when every worker serves the new model."""

    def unload(self, name: str) -> None:
        """Unload; raises `ServeError`. Returns when no worker serves the model."""


class LocalControl:
    """A server of one process."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def load(self, name: str) -> None:
        """Load or reload in this process."""
        self._repository.load(name)

    def unload(self, name: str) -> None:
        """Unload in this process."""
        self._repository.unload(name)
