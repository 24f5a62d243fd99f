"""A step behind this one (predictor, explainer) that did not answer as it should: said with its name, and counted."""

import socket
from collections.abc import Mapping

from prometheus_client import Counter

from kserve_lite_server.errors import ServeError

FAILURES = Counter(
    "kserve_lite_step_failures",
    "Calls of another step that failed, by what the caller was told",
    ["step", "code"],
)


class StepError(ServeError):
    """A step failed. `body` is its own answer, handed on as it is; without one the sentence is the answer."""

    def __init__(
        self,
        code: str,
        message: str,
        step: str,
        *,
        status: int | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code, message, retry_after=retry_after)
        self.step = step
        self.body = body
        self.content_type = content_type
        self.headers = dict(headers or {})
        self._status = status
        FAILURES.labels(step, code).inc()

    @property
    def status(self) -> int:
        """The step's own status, or the one that goes with the code."""
        return super().status if self._status is None else self._status


def unreachable(step: str, address: str, why: OSError | str) -> StepError:
    """The step is not there: nothing of the request has arrived. Code "step_unknown" when nothing has its name."""
    reason = why if isinstance(why, str) else why.strerror or str(why)
    sentence = (
        f"the {step} at {address} cannot be reached: {reason}; is it running, and is its address right?"
    )
    code = "step_unknown" if isinstance(why, socket.gaierror) else "step_unreachable"
    return StepError(code, sentence, step, retry_after=1)


def too_slow(step: str, address: str, seconds: float | None) -> StepError:
    """The step did not answer in the time that the request has."""
    within = f" within {seconds:.3g} seconds" if seconds is not None else " in time"
    sentence = f"the {step} at {address} did not answer{within}; see --predictor_request_timeout_seconds"
    return StepError("step_too_slow", sentence, step)


def broken(step: str, address: str, why: object) -> StepError:
    """What the step answered is no answer."""
    sentence = f"the {step} at {address} gave no usable answer: {why}; its log may say why"
    return StepError("step_broken", sentence, step)


def refused(
    step: str, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
) -> StepError:
    """The step answered with an error of its own: the caller gets it as it is."""
    kept = {name: value for name, value in (headers or {}).items() if name in ("retry-after", "allow")}
    said = body[:2000].decode("utf-8", "replace")
    message = f"the {step} answered {status}: {said}"
    return StepError(
        "step_refused", message, step, status=status, body=body, content_type=content_type, headers=kept
    )
