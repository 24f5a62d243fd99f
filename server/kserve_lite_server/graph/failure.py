"""How a step fails: what went wrong with its service, before it is known which step that was."""

from kserve_lite_server.errors import ServeError


class Failure(Exception):
    """`code` is one of `errors.STATUS`; `sentence` says what the service did."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class Untouched(Failure):
    """The connection ended before any byte of an answer: the same request may be sent again."""


class StepError(ServeError):
    """A refusal that names the step, as `node.step`."""

    def __init__(self, step: str, code: str, sentence: str, *, retry_after: int | None = None) -> None:
        super().__init__(code, f"step {step}: {sentence}", retry_after=retry_after)
        self.step = step
