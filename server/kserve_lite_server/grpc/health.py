"""grpc.health.v1: the server's readiness, asked for or watched."""

import asyncio
import contextlib
from collections.abc import Callable

from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.grpc.calls import NAME
from kserve_lite_server.grpc.incoming import Sent
from kserve_lite_server.grpc.status import Code, trailers
from kserve_lite_server.grpc.stream import Method, Stream

HEALTH = "grpc.health.v1.Health"
Response = health_pb2.HealthCheckResponse

States = Callable[[], tuple[bool, dict[str, bool]]]


class Health:
    """Serves the state of the whole server (""), of the inference service, and of each model by its name."""

    def __init__(self, states: States) -> None:
        """`states` says whether the server is ready, and whether each model answers."""
        self._states = states
        self._loop: asyncio.AbstractEventLoop | None = None
        self.watched: set[Watch] = set()

    def methods(self) -> dict[str, Method]:
        """What a connection routes calls to."""
        return {
            f"/{HEALTH}/Check": lambda stream: Check(self, stream),
            f"/{HEALTH}/Watch": lambda stream: Watch(self, stream),
        }

    def status(self, service: str) -> int | None:
        """The state of a service; None when there is none of that name."""
        ready, models = self._states()
        serving = {**models, "": ready, NAME: ready}.get(service)
        if serving is None:
            return None
        return int(Response.SERVING if serving else Response.NOT_SERVING)

    def watch(self, watch: "Watch") -> None:
        """Tell of every change from now on."""
        self._loop = asyncio.get_running_loop()
        self.watched.add(watch)

    def refresh(self) -> None:
        """Tell those who watch; called whenever the state may have changed, from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        for watch in list(self.watched):
            watch.tell()


class Question:
    """A call of the service: its one message names what is asked for."""

    patience: float | None = 60.0

    def __init__(self, health: Health, stream: Stream) -> None:
        self._health = health
        self._stream = stream
        self._service: str | None = None

    def received(self, message: Sent) -> None:
        """Keep the name."""
        if self._service is not None:
            raise invalid("the call has more than one message")
        try:
            self._service = health_pb2.HealthCheckRequest.FromString(message.read()).service
        except DecodeError:
            raise invalid("the bytes are no grpc.health.v1.HealthCheckRequest") from None

    def finish(self) -> None:
        """Answer."""
        if self._service is None:
            raise invalid("the call has no message")
        self._answer(self._service)

    def refuse(self, error: ServeError) -> None:
        """End with an error."""
        self.cancel()
        self._stream.fail(error)

    def cancel(self) -> None:
        """Nobody asks any more."""

    def _answer(self, service: str) -> None:
        raise NotImplementedError


class Check(Question):
    """Asks once."""

    def _answer(self, service: str) -> None:
        status = self._health.status(service)
        if status is None:
            self._stream.end(trailers(Code.NOT_FOUND, f"there is no service or model {service[:100]}"))
        else:
            self._stream.answer(Response(status=status).SerializeToString())


class Watch(Question):
    """Asks for every change, for as long as the client likes; of a name that is not known yet, too."""

    def _answer(self, service: str) -> None:
        self._told: int | None = None
        self._health.watch(self)
        self.tell()

    def tell(self) -> None:
        """Send the state if it is another than before."""
        status = self._health.status(self._service or "")
        if status is None:
            status = int(Response.SERVICE_UNKNOWN)
        if status != self._told:
            self._told = status
            self._stream.send(Response(status=status).SerializeToString())
            self._stream.connection.flush()

    def cancel(self) -> None:
        """Watch no more."""
        self._health.watched.discard(self)
