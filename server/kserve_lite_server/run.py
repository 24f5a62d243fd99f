"""One server process from its settings to its end."""

import gc
import logging
import resource
import socket
import sys
import warnings
from dataclasses import replace

from kserve_lite_server.cpus import available_cpus
from kserve_lite_server.engine.engine import Engine
from kserve_lite_server.errors import ServeError, StartError
from kserve_lite_server.grpc.port import reserve
from kserve_lite_server.grpc.tls import tls_files
from kserve_lite_server.http.app import App
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.endpoints import ROUTES
from kserve_lite_server.http.hot import HotPath, HotProtocol
from kserve_lite_server.http.protocol import BoundedHttpProtocol
from kserve_lite_server.http.server import serve
from kserve_lite_server.logs import set_up_logs
from kserve_lite_server.metrics import Metrics
from kserve_lite_server.repository.assigned import Assigned, memory_of_container
from kserve_lite_server.repository.control import Control, LocalControl
from kserve_lite_server.repository.repository import Entry, Repository
from kserve_lite_server.repository.startup import open_repository
from kserve_lite_server.settings import Settings
from kserve_lite_server.sockets import listen, place
from kserve_lite_server.spans import open_spans

log = logging.getLogger(__name__)


def run(settings: Settings) -> int:
    """Serve; the exit status says whether it began, and ended with every request answered."""
    set_up_logs(settings.log_format, settings.log_level)
    raise_open_files_limit()
    for note in settings.notes:
        log.warning(note)
    # Rows without names are given the fitted names on purpose; scikit-learn would say so for every request.
    warnings.filterwarnings("ignore", "X (does not have valid|has) feature names")
    try:
        listener = listen(settings.host, settings.http_port)
        grpc = reserve(settings)
        if grpc:
            settings = replace(settings, grpc_port=grpc.getsockname()[1])
            tls_files(settings)
        repository = open_repository(settings)
    except (ServeError, StartError) as error:
        sys.stderr.write(f"kserve-lite-server: error: {error} [{error.code}]\n")
        sys.stderr.flush()
        return 1
    if settings.workers == 1:
        status = serve_here(settings, repository, listener, grpc, LocalControl(repository))
    else:
        status = serve_in_workers(settings, repository, listener, grpc)
    logging.shutdown()
    return status


def serve_here(
    settings: Settings,
    repository: Repository,
    listener: socket.socket,
    grpc: socket.socket | None,
    control: Control,
) -> int:
    """Serve from this process until a signal ends it; 0 when every running request was answered."""
    metrics = Metrics()
    engine = Engine(settings.threads, settings.max_queue_size, settings.request_timeout, metrics)
    repository.replaced.append(engine.forget)
    repository.changed.append(lambda entry: report(entry, metrics))
    repository.prepares = True
    for entry in repository.entries:
        if entry.model is not None:
            entry.model.prepare()
        report(entry, metrics)
    spans = open_spans()
    context = Context(
        settings=settings,
        metrics=metrics,
        spans=spans,
        repository=repository,
        engine=engine,
        control=control,
    )
    if settings.model_config is not None:
        limit = settings.models_memory or memory_of_container()
        Assigned(repository, settings.model_config, settings.model_dir, limit).start()
    gc.freeze()  # what is there now stays: a collection would only walk scikit-learn's modules
    open_door(context, grpc)
    host, port = listener.getsockname()[:2]
    log.info("serving %s on http://%s", ", ".join(repository.names) or "no model", place(host, port))
    app = App(context, ROUTES)
    answered = serve(context, app, listener, hot_path(context, app))
    if spans:
        spans.close()
    return 0 if answered else 1


def hot_path(context: Context, app: App) -> type[BoundedHttpProtocol]:
    """Give the connections the short way for plain requests, unless the settings say otherwise."""
    if not context.settings.hot_path:
        return BoundedHttpProtocol
    return type("Protocol", (HotProtocol,), {"hot": HotPath(context, app.log)})


def open_door(context: Context, listener: socket.socket | None) -> None:
    """Serve gRPC too; its libraries are not loaded when that is switched off."""
    settings = context.settings
    if not settings.enable_grpc:
        return
    from kserve_lite_server.grpc.door import Door
    from kserve_lite_server.grpc.health import Health
    from kserve_lite_server.grpc.service import Service

    def states() -> tuple[bool, dict[str, bool]]:
        entries = context.repository.entries
        return context.ready, {e.name: e.model is not None and not context.draining for e in entries}

    log.info("serving gRPC on %s", place(settings.host, settings.grpc_port))
    health = Health(states)
    context.repository.changed.append(lambda entry: health.refresh())
    Door(context, Service(context), health, listener, tls_files(settings))


def serve_in_workers(
    settings: Settings, repository: Repository, listener: socket.socket, grpc: socket.socket | None
) -> int:
    """Serve from several processes that share the models' memory."""
    from threadpoolctl import threadpool_limits

    from kserve_lite_server.workers.parent import Parent

    def serve_in_worker(control: Control) -> int:
        # The parent calculates in one thread: OpenMP's threads do not survive a fork. Here they may begin.
        threadpool_limits(max(1, available_cpus() // settings.workers))
        return serve_here(settings, repository, listener, grpc, control)

    return Parent(settings.workers, repository, serve_in_worker).run()


def raise_open_files_limit() -> None:
    """Idle connections are cheap; the shell's usual 1,024 are the wrong bound for them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def report(entry: Entry, metrics: Metrics) -> None:
    """Tell Prometheus what became of a model."""
    if entry.model is None:
        metrics.not_ready(entry.name)
    else:
        kind = type(entry.model.estimator).__name__
        metrics.loaded(entry.name, kind, entry.model.method, entry.load_seconds)
