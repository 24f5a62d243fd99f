"""kserve.model_repository."""

from kserve_lite_server.sdk.repository import ModelRepository

__all__ = ["ModelRepository"]
