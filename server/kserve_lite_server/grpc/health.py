"""grpc.health.v1: the server's readiness, asked for or watched."""

from collections.abc import Callable

from grpc_health.v1 import health, health_pb2

from kserve_lite_server.grpc.calls import NAME

_STATUS = {
    True: health_pb2.HealthCheckResponse.SERVING,
    False: health_pb2.HealthCheckResponse.NOT_SERVING,
}


class Health:
    """Serves the state of the whole server (""), of the inference service, and of each model by its name."""

    def __init__(self, states: Callable[[], tuple[bool, dict[str, bool]]]) -> None:
        """`states` says whether the server is ready, and whether each model answers."""
        self._states = states
        self.servicer = health.HealthServicer()
        self.refresh()

    def refresh(self) -> None:
        """Tell the state to those who ask and those who watch; called whenever it may have changed."""
        ready, models = self._states()
        for name, serving in {**models, "": ready, NAME: ready}.items():
            self.servicer.set(name, _STATUS[serving])
