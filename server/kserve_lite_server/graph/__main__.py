"""The router's process: flags, graph, socket, serve; exit status 0 when all was answered, 1 else, 2 for usage."""

import asyncio
import contextlib
import gc
import resource
import signal
import socket
import sys
from collections.abc import Sequence

from kserve_lite_server.errors import StartError
from kserve_lite_server.graph.door import Door
from kserve_lite_server.graph.service import SWEEP_SECONDS, Service
from kserve_lite_server.graph.settings import Settings, read_settings
from kserve_lite_server.graph.watch import watch
from kserve_lite_server.logs import set_up_logs
from kserve_lite_server.sockets import listen, place


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a router until a signal ends it."""
    settings = read_settings(sys.argv[1:] if arguments is None else arguments)
    set_up_logs(settings.log_format, settings.log_level)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        listener = listen(settings.host, settings.http_port)
        status = run(settings, listener)
    except (StartError, OSError) as error:
        sys.stderr.write(f"kserve-lite-router: error: {error} [{getattr(error, 'code', 'cannot_start')}]\n")
        status = 1
    sys.exit(status)


def run(settings: Settings, listener: socket.socket) -> int:
    """Serve until a signal; 0 when every running request was answered."""
    if sys.platform == "win32":
        return asyncio.run(serve(settings, listener))
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(settings, listener))


async def serve(settings: Settings, listener: socket.socket) -> int:
    """Listen, keep the graph up to date, and drain at the end."""
    service = Service(settings, settings.graph)
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    server = await loop.create_server(lambda: Door(service), sock=listener, backlog=4096)
    beside = [
        asyncio.create_task(watch(settings.graph, service.reload)),
        asyncio.create_task(sweeping(service)),
    ]
    gc.freeze()
    host, port = listener.getsockname()[:2]
    service.log.info("graph %s on http://%s", service.router.graph.name, place(host, port))
    await ending.wait()
    service.log.info("ending: %d requests are running", service.metrics.in_flight)
    service.drain()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(settings.drain_timeout):
            await service.idle.wait()
    for task in beside:
        task.cancel()
    server.close()
    for door in list(service.doors):
        door.close()
    left = service.metrics.in_flight
    if left:
        service.log.warning("%d requests did not end within --drain_timeout", left)
    return 1 if left else 0


async def sweeping(service: Service) -> None:
    """Look after connections."""
    await asyncio.sleep(SWEEP_SECONDS)
    import orjson  # noqa: F401 - what the first condition or Ensemble needs, when the start is over

    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        service.sweep()


if __name__ == "__main__":
    main()
