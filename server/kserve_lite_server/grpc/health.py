"""grpc.health.v1: the server's readiness, asked for or watched."""

from grpc_health.v1 import health, health_pb2

from kserve_lite_server.grpc.service import NAME
from kserve_lite_server.http.context import Context

_STATUS = {
    True: health_pb2.HealthCheckResponse.SERVING,
    False: health_pb2.HealthCheckResponse.NOT_SERVING,
}


class Health:
    """Serves the state of the whole server (""), of the inference service, and of each model by its name."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.servicer = health.HealthServicer()
        self.refresh()

    def refresh(self) -> None:
        """Tell the state to those who ask and those who watch; called whenever it may have changed."""
        ready, draining = self._context.ready, self._context.draining
        models = {
            entry.name: entry.model is not None and not draining for entry in self._context.repository.entries
        }
        for name, serving in {**models, "": ready, NAME: ready}.items():
            self.servicer.set(name, _STATUS[serving])
