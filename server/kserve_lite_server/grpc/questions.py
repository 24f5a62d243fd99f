"""The usual ModelInfer, computed with others of its turn: read into rows, and answered from the result."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from google.protobuf.message import Message

from kserve_lite_server.engine.turns import Job
from kserve_lite_server.errors import ServeError
from kserve_lite_server.grpc import messages, plain
from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.grpc.unary import Unary
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.observe import Seen, Trace
from kserve_lite_server.metrics import Answered
from kserve_lite_server.protocol.inference import to_response
from kserve_lite_server.protocol.v2 import InferRequest
from kserve_lite_server.sklearn.model import Model

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Question(Job):
    """A decoded request, and what became of it."""

    model: Model
    call: Unary
    id: str
    version: str | None
    trace: Trace | None
    status: int = 200
    code: str = ""
    sent: int = 0  # bytes
    seconds: float = 0.0

    @property
    def seen(self) -> Seen:
        """What the log and the spans want to know."""
        return self.call.seen

    @property
    def counted(self) -> Answered:
        """What the metrics want to know."""
        seen = self.call.seen
        numbers = (self.seconds, seen.received, self.sent, seen.decoding, seen.encoding)
        return (seen.model, "grpc", "ModelInfer", self.status), numbers


def read_question(
    context: Context, call: Unary, request: pb.ModelInferRequest, tell: Callable[[Question, Any], None]
) -> Question | None:
    """Read a request into rows; None when it must be answered alone, with a refusal for example."""
    started, version = perf_counter(), request.model_version or None
    try:
        model = context.repository.model(request.model_name, version)
    except ServeError:
        return None
    if not model.has_kernel:
        return None
    rows = plain.read(request, model.signature.features)
    if rows is None or not model.pace.fits_loop(len(rows)):
        return None
    seen = call.seen
    seen.model, seen.rows, seen.decoding = model.name, len(rows), perf_counter() - started
    return Question(model, rows, call.since, tell, call, request.id, version, call.trace)


def respond(question: Question, answer: Any) -> None:
    """Send the reply to a question, which learns what became of it."""
    begun, call = perf_counter(), question.call
    if call.over:
        question.status = 499
    else:
        call.done()
        try:
            data = _data(question, answer)
            question.sent = len(data)
            call.stream.answer(data)
        except ServeError as error:
            question.status, question.code = error.status, error.code
            call.stream.fail(error)
    now = perf_counter()
    call.seen.encoding, question.seconds = now - begun, now - question.since


def _data(question: Question, answer: Any) -> bytes:
    if isinstance(answer, ServeError):
        raise answer
    try:
        data = _message(question, answer).SerializeToString()
    except ServeError:
        raise
    except Exception:
        log.exception("the answer of model %s cannot be written", question.model.name)
        raise ServeError("internal", "the server failed; its log says why") from None
    question.call.check(data)
    return data


def _message(question: Question, answer: Any) -> Message:
    model, version = question.model, question.version
    if (message := plain.write(answer, model.name, version, question.id)) is not None:
        return message
    asked = InferRequest((), id=question.id)
    classes = model.signature.classes
    response = to_response(asked, {model.method: answer}, model.method, model.name, version, classes)
    return messages.encode(response, asked, raw=True)
