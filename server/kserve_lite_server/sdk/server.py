"""ModelServer: serves models of one's own over REST and gRPC until a signal ends it, under KServe's name."""

import asyncio
import logging
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import uvloop

from kserve_lite_server.errors import StartError
from kserve_lite_server.grpc.port import reserve
from kserve_lite_server.http.app import App
from kserve_lite_server.http.protocol import BoundedHttpProtocol
from kserve_lite_server.http.server import make_server
from kserve_lite_server.metrics import Metrics
from kserve_lite_server.sdk import flags
from kserve_lite_server.sdk.config import PredictorConfig, set_predictor
from kserve_lite_server.sdk.endpoints import OwnHandler, routes
from kserve_lite_server.sdk.errors import NoModelReady
from kserve_lite_server.sdk.host import Host, begin
from kserve_lite_server.sdk.logs import configure_logging
from kserve_lite_server.sdk.model import BaseKServeModel, Model
from kserve_lite_server.sdk.repository import ModelRepository
from kserve_lite_server.settings import NO_THREADS, Settings
from kserve_lite_server.sockets import listen, place

log = logging.getLogger(__name__)

LoopHandler = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], Any]


class ModelServer:
    """What is not given here is read from the flags of the process."""

    def __init__(
        self,
        http_port: int | None = None,
        grpc_port: int | None = None,
        workers: int | None = None,
        max_threads: int | None = None,
        max_asyncio_workers: int | None = None,
        registered_models: ModelRepository | None = None,
        enable_grpc: bool | None = None,
        enable_docs_url: bool | None = None,
        enable_latency_logging: bool | None = None,
        access_log_format: str | None = None,
        event_loop: str | None = None,
        timeout_keep_alive: int | None = None,
        grace_period: int | None = None,
        predictor_config: PredictorConfig | None = None,
    ) -> None:
        """`workers` are threads for plain hooks here; more processes are more replicas."""
        given = {name: value for name, value in locals().items() if value is not None}
        read = flags.read()
        for name in set(vars(read)) & set(given):
            setattr(read, name, given[name])
        if grace_period is not None:
            read.drain_timeout = float(grace_period)
        if read.configure_logging:
            configure_logging(read.log_config_file, read.log_format)
        if read.workers > 1:  # KServe's controller gives it for containerConcurrency
            read.max_asyncio_workers = read.max_asyncio_workers or read.workers
            log.warning(
                "--workers %d: this is one process, with so many threads for plain hooks", read.workers
            )
        if read.max_threads is not None:
            log.warning(NO_THREADS)
        self.registered_models = registered_models or ModelRepository()
        self.settings: Settings = flags.settings(read)
        self.predictor_config = predictor_config or flags.predictor_config(read)
        set_predictor(self.predictor_config)
        self._routes: list[tuple[str, str, OwnHandler]] = []
        self._loop_handler: LoopHandler | None = None

    def route(self, method: str, path: str) -> Callable[[OwnHandler], OwnHandler]:
        """Add an endpoint of one's own: a decorator for a plain or async function.

        It is given the request, and by name the parts that `{name}` in the path stands for; it returns a dict, text
        or bytes.
        """

        def add(handler: OwnHandler) -> OwnHandler:
            self._routes.append((method.upper(), path, handler))
            return handler

        return add

    def register_model(self, model: BaseKServeModel, name: str | None = None) -> None:
        """Serve a model, under its own or another name."""
        if not model.name:
            raise ValueError("a model needs a name")
        self.registered_models.update(model, name)

    def register_exception_handler(self, handler: LoopHandler) -> None:
        """Tell `handler(loop, context)` of exceptions that nobody waits for."""
        self._loop_handler = handler

    def start(self, models: list[BaseKServeModel]) -> None:
        """Serve until SIGTERM or SIGINT. Raises `NoModelReady`; ends the process with status 1 when it cannot begin."""
        if not isinstance(models, list) or not all(isinstance(model, BaseKServeModel) for model in models):
            raise RuntimeError("start takes a list of models")
        for model in models:
            self.register_model(model)
        if models and not any(model.ready for model in models):
            raise NoModelReady(models, "call load() before start(), or set ready")
        warnings.filterwarnings("ignore", "X (does not have valid|has) feature names")
        try:
            listener = listen(self.settings.host, self.settings.http_port)
            grpc = reserve(self.settings)
            if grpc:
                self.settings = replace(self.settings, grpc_port=grpc.getsockname()[1])
        except StartError as error:
            sys.stderr.write(f"kserve-lite-server: error: {error} [{error.code}]\n")
            raise SystemExit(1) from None
        answered = uvloop.run(self._serve(listener, grpc))
        if not answered:
            raise SystemExit(1)

    async def _serve(self, listener: Any, grpc: Any) -> bool:
        loop = asyncio.get_running_loop()
        if self._loop_handler is not None:
            loop.set_exception_handler(self._loop_handler)
        checker = _Checker("predictor")
        host = Host(
            settings=self.settings,
            metrics=Metrics(),
            repository=self.registered_models,
            predictor=self.predictor_config,
            checker=checker,
        )
        models = list(self.registered_models.get_models().values())
        for model in models:
            begin(model, host)
            if model.engine:
                await model.start_engine()
        self._open_door(host, grpc)
        address, port = listener.getsockname()[:2]
        names = ", ".join(self.registered_models.get_models()) or "no model"
        log.info("serving %s on http://%s", names, place(address, port))
        server = make_server(host, App(host, routes(self._routes)), BoundedHttpProtocol)
        await server.serve(sockets=[listener])
        for model in [*models, checker]:
            if isinstance(model, Model):
                await model.close_clients()
                model.hooks.close()
            model.stop()
        return server.answered

    def _open_door(self, host: Host, listener: Any) -> None:
        """Serve gRPC too; its libraries are not loaded when that is switched off."""
        if not self.settings.enable_grpc:
            return
        from kserve_lite_server.grpc.door import Door
        from kserve_lite_server.grpc.health import Health
        from kserve_lite_server.sdk.grpc_service import Service

        log.info("serving gRPC on %s", place(self.settings.host, self.settings.grpc_port))
        Door(host, Service(host), Health(host.states), listener)


class _Checker(Model):
    """Asks the predictor for its health, as a model's default hooks would ask it for predictions."""
