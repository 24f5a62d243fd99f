"""The exceptions that a model may raise, under KServe's names, and what each becomes for the caller."""

import logging
from typing import Any

from kserve_lite_server.errors import ServeError

log = logging.getLogger(__name__)


class ModelMissingError(Exception):
    """There is no model file at `path`."""

    def __init__(self, path: object) -> None:
        super().__init__(str(path))
        self.path = path


class InferenceError(RuntimeError):
    """The model failed: 500."""

    def __init__(self, reason: str, status: str | None = None, debug_details: Any = None) -> None:
        super().__init__(f"[{status}] {reason}" if status else reason)
        self.reason, self.status, self.debug_details = reason, status, debug_details


class InvalidInput(ValueError):
    """The request's values are wrong: 400."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ModelNotFound(Exception):
    """There is no model of that name: 404."""

    def __init__(self, model_name: str | None = None) -> None:
        self.reason = f"Model with name {model_name} does not exist."
        super().__init__(self.reason)


class ModelNotReady(RuntimeError):
    """The model does not answer yet: 503."""

    def __init__(self, model_name: str, detail: str | None = None) -> None:
        self.model_name = model_name
        self.error_msg = f"Model with name {model_name} is not ready." + (f" {detail}" if detail else "")
        super().__init__(self.error_msg)


class ServerNotReady(RuntimeError):
    """The server does not answer yet: 503."""

    def __init__(self, detail: str | None = None) -> None:
        self.error_msg = "Server is not ready." + (f" {detail}" if detail else "")
        super().__init__(self.error_msg)


class ServerNotLive(ServerNotReady):
    """The server does not work any more: 503."""


class UnsupportedProtocol(Exception):
    """The protocol is none of those that are spoken here: 501."""

    def __init__(self, protocol_version: object = None) -> None:
        self.reason = f"Unsupported protocol {protocol_version}."
        super().__init__(self.reason)


class NoModelReady(RuntimeError):
    """None of the models that a server was started with is ready."""

    def __init__(self, models: list[Any], detail: str | None = None) -> None:
        self.models = models
        names = ", ".join(str(getattr(model, "name", model)) for model in models)
        self.error_msg = f"None of the models is ready: {names}." + (f" {detail}" if detail else "")
        super().__init__(self.error_msg)


CODES: tuple[tuple[type[BaseException], str], ...] = (
    (InvalidInput, "invalid_input"),
    (ModelNotFound, "model_not_found"),
    (ModelNotReady, "model_not_ready"),
    (ServerNotReady, "server_not_ready"),
    (NotImplementedError, "not_implemented"),
    (UnsupportedProtocol, "not_implemented"),
    (InferenceError, "model_failed"),
)


def refusal(error: Exception, model: str, hook: str) -> ServeError:
    """What the caller is told of an exception that a model's hook raised; the unforeseen are logged, not shown."""
    if isinstance(error, ServeError):
        return error
    for kind, code in CODES:
        if isinstance(error, kind):
            return ServeError(code, str(error) or f"model {model} does not implement {hook}")
    log.error("model %s failed in %s", model, hook, exc_info=error)
    return ServeError(
        "model_failed", f"model {model} failed in {hook} ({type(error).__name__}); its log says why"
    )
