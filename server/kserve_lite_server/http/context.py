"""What every handler of the model server works with."""

from dataclasses import dataclass

from kserve_lite_server.engine.engine import Engine
from kserve_lite_server.http.process import Process
from kserve_lite_server.repository.control import Control
from kserve_lite_server.repository.repository import Repository


@dataclass(slots=True, kw_only=True)
class Context(Process):
    """A process that serves models from files: they, and the engine that runs them."""

    repository: Repository
    engine: Engine
    control: Control

    @property
    def ready(self) -> bool:
        """Whether every model answers and the process is not going down."""
        return self.repository.ready and not self.draining
