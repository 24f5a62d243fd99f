"""kserve.model_server."""

from kserve_lite_server.sdk.flags import parser
from kserve_lite_server.sdk.server import ModelServer

__all__ = ["ModelServer", "parser"]


def __getattr__(name: str) -> object:
    if name == "app":
        raise AttributeError(
            "there is no FastAPI application here; add endpoints by ModelServer.route(method, path)"
        )
    raise AttributeError(f"kserve.model_server has no {name} in kserve-lite's SDK")
