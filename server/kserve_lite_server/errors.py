"""What can go wrong while serving: one exception, one stable code each, one table from code to HTTP
status."""

STATUS = {
    # The request is wrong.
    "invalid_json": 400,
    "invalid_input": 400,
    "unknown_output": 400,
    "invalid_event": 400,
    "bad_request": 400,
    "not_found": 404,
    "no_route": 404,
    "model_not_found": 404,
    "version_not_found": 404,
    "method_not_allowed": 405,
    "request_too_slow": 408,
    "request_too_large": 413,
    "answer_too_large": 413,  # over gRPC: beyond --grpc_max_send_message_length
    "unsupported_encoding": 415,
    "headers_too_large": 431,
    # The server cannot answer now; the same request may succeed later.
    "queue_full": 429,
    "overloaded": 503,
    "model_not_ready": 503,
    "server_not_ready": 503,
    "deadline_exceeded": 504,
    # Another step of the pipeline (predictor, explainer, a step of a graph) did not answer as it should.
    "step_unreachable": 503,
    "step_unknown": 503,
    "step_too_slow": 504,
    "step_broken": 502,
    "step_refused": 502,  # or the step's own status
    "step_not_json": 502,
    "step_answer_too_large": 502,
    # A model cannot be loaded: the artefact must change.
    "model_file_missing": 503,
    "model_file_ambiguous": 503,
    "model_file_unreadable": 503,
    "model_format_unsupported": 503,
    "model_settings_invalid": 503,
    "model_module_missing": 503,
    "model_version_mismatch": 503,
    "model_types_untrusted": 503,
    "model_without_method": 503,
    "model_download_failed": 503,
    "model_too_large": 503,
    # The server does not do this.
    "not_implemented": 501,
    # The server or the model is at fault.
    "model_failed": 500,
    "internal": 500,
}


class ServeError(Exception):
    """A refusal that a caller sees: `code` is stable, `message` is one sentence with the place and the
    remedy."""

    def __init__(self, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return STATUS[self.code]


class StartError(Exception):
    """The server cannot begin as its flags say: `code` is stable, the message names the flag."""

    code = "cannot_start"


def invalid(message: str) -> ServeError:
    """The commonest refusal: the request's values are wrong."""
    return ServeError("invalid_input", message)
