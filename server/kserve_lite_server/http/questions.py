"""Plain predict requests, read into rows and written from results by the protocols' own code."""

import logging
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from kserve_lite_server.engine.turns import Job
from kserve_lite_server.errors import ServeError
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.heavy import HEAVY_BYTES
from kserve_lite_server.http.observe import Seen, Trace, read_trace
from kserve_lite_server.http.response import Response, error_response
from kserve_lite_server.metrics import Answered
from kserve_lite_server.protocol import compression, plain, v1, v2
from kserve_lite_server.protocol.call import Rows
from kserve_lite_server.protocol.inference import to_call, to_response
from kserve_lite_server.protocol.v2 import InferRequest
from kserve_lite_server.sklearn.model import Model

log = logging.getLogger(__name__)

V1 = re.compile(rb"/v1/models/([\w.~-]+):predict")
V2 = re.compile(rb"/v2/models/([\w.~-]+)(?:/versions/([\w.~-]+))?/infer")
# Headers without a meaning to this server; one with a meaning sends the request to the application.
MEANINGLESS = frozenset(
    b"host user-agent accept accept-encoding accept-language authorization cookie origin referer cache-control "
    b"pragma via forwarded dnt priority".split()
)
MEANINGLESS_PREFIXES = (b"x-forwarded-", b"x-envoy-", b"x-real-ip", b"sec-")
JSON_LENGTH = v2.JSON_LENGTH.encode()
LARGEST = 64 * 1024  # bytes of JSON; the application reads more of it off the event loop
LARGEST_BINARY = HEAVY_BYTES  # of a body with binary tensors, which is not parsed


Asked = tuple[str, str | None, int]
"""The model that a head asks for: its name, its version, and the length of the body."""


@dataclass(slots=True)
class Head:
    """What the head of a plain request says: the model, the protocol, and how long the body is."""

    path: str
    protocol: str
    method: str
    model: str
    version: str | None
    read: "Reader"
    write: "Writer"
    length: int
    accept_encoding: str
    traceparent: str = ""
    request_id: str = ""
    counted: tuple[str, str, str, int] = field(init=False)  # what the metrics call it when it succeeds
    asked: Asked = field(init=False)

    def __post_init__(self) -> None:
        self.counted = self.about(200)
        self.asked = self.model, self.version, self.length

    def about(self, status: int) -> tuple[str, str, str, int]:
        """What the metrics call its answer."""
        return self.model, self.protocol, self.method, status

    @property
    def lasting(self) -> bool:
        """Whether the client may send the same head again."""
        return not (self.traceparent or self.request_id)


@dataclass(slots=True)
class Question(Job):
    """A decoded request, and what became of it."""

    model: Model
    head: Head
    id: str  # the caller's name for it in V2's body
    received: int  # bytes
    decoding: float  # seconds, as all below
    trace: Trace | None
    # What `respond` finds:
    encoding: float = field(init=False)
    seconds: float = field(init=False)
    status: int = field(init=False)
    code: str = field(init=False)
    sent: int = field(init=False)  # bytes

    @property
    def seen(self) -> Seen:
        """What the log and the spans want to know."""
        head = self.head
        return Seen(
            "POST",
            head.path,
            head.protocol,
            head.model,
            len(self.rows),
            self.received,
            self.decoding,
            self.encoding,
            head.request_id,
        )

    @property
    def counted(self) -> Answered:
        """What the metrics want to know."""
        numbers = (self.seconds, self.received, self.sent, self.decoding, self.encoding)
        return self.head.counted if self.status == 200 else self.head.about(self.status), numbers


Reader = Callable[[Context, Model, bytes], tuple[Rows, str] | None]
Writer = Callable[[Context, Question, Any], bytes]
Answering = dict[Asked, Model]
"""The models that answer plain requests in this turn of the event loop."""


def read_head(url: bytes, headers: list[tuple[bytes, bytes]]) -> Head | None:
    """Read the head of a POST; None unless it is certainly plain."""
    length, json_length, accept, traceparent, request_id = 0, None, "", "", ""
    for name, value in headers:
        if name == b"content-length":
            length = _whole(value)
        elif name == JSON_LENGTH:
            json_length = _whole(value)
        elif name == b"content-type":
            if b"cloudevents" in value.lower():
                return None
        elif name == b"connection":
            if value.lower() != b"keep-alive":
                return None
        elif name == b"accept-encoding":
            accept = value.decode("latin-1")
        elif name == b"traceparent":
            traceparent = value.decode("latin-1")
        elif name == b"x-request-id":
            request_id = value.decode("latin-1")
        elif name not in MEANINGLESS and not name.startswith(MEANINGLESS_PREFIXES):
            return None
    if not 0 < length <= (LARGEST if json_length is None else LARGEST_BINARY):
        return None
    rest = (length, accept, traceparent, request_id)
    if json_length is None and (path := V1.fullmatch(url)):
        return Head(url.decode(), "v1", "predict", path[1].decode(), None, _read_v1, _write_v1, *rest)
    if json_length != 0 and (path := V2.fullmatch(url)):
        version = path[2].decode() if path[2] else None
        read = _read_v2 if json_length is None else partial(_read_v2, json_length=json_length)
        return Head(url.decode(), "v2", "infer", path[1].decode(), version, read, _write_v2, *rest)
    return None


def read_question(
    context: Context, head: Head, body: bytes, tell: Callable[[Question, Any], None], answering: Answering
) -> Question | None:
    """Decode a plain request; None when the application must answer it, with a refusal for example.

    What is in `answering` is not looked up again.
    """
    since = perf_counter()
    asked = head.asked
    try:
        if (model := answering.get(asked) or _answering(context, head)) is None:
            return None
        reading = head.read(context, model, body)
    except ServeError:
        return None
    if reading is None:
        return None
    rows, id = reading
    if len(rows) > 1 and not model.pace.fits_loop(len(rows)):
        return None
    if not context.settings.max_latency:  # else the turn is over long before its questions are
        answering[asked] = model
    trace = read_trace(head.traceparent) if head.traceparent else None
    return Question(model, rows, since, tell, head, id, len(body), perf_counter() - since, trace)


def _answering(context: Context, head: Head) -> Model | None:
    """The model that answers a row of such a request at once; None when there is none."""
    if head.length > context.settings.max_request_bytes:
        return None
    model = context.repository.model(head.model, head.version)
    return model if model.has_kernel and model.pace.fits_loop(1) else None


def respond(context: Context, question: Question, answer: Any) -> bytes | Response:
    """The reply to a question, as the application writes it: the JSON alone where it is a success without headers of
    its own. The question learns what became of it."""
    begun = perf_counter()
    reply = _reply(context, question, answer)
    if question.trace:
        reply = Response(body=reply) if isinstance(reply, bytes) else reply
        reply.headers["traceparent"] = question.trace.header
    now = perf_counter()
    question.encoding, question.seconds = now - begun, now - question.since
    if isinstance(reply, bytes):
        question.status, question.code, question.sent = 200, "", len(reply)
    else:
        question.status, question.code, question.sent = reply.status, reply.code, len(reply.body)
    return reply


def _reply(context: Context, question: Question, answer: Any) -> bytes | Response:
    if isinstance(answer, ServeError):
        return error_response(answer)
    try:
        body = question.head.write(context, question, answer)
    except ServeError as error:
        return error_response(error)
    except Exception:
        log.exception("the answer of model %s cannot be written", question.model.name)
        return error_response(ServeError("internal", "the server failed; its log says why"))
    accept = question.head.accept_encoding
    if len(body) >= compression.SMALLEST and accept and (encoding := compression.choose(accept)):
        headers = {"content-encoding": encoding, "vary": "accept-encoding"}
        return Response(body=compression.compress(body, encoding), headers=headers)
    return body


def _whole(value: bytes) -> int:
    """A number of bytes; more than any request here has, where it is none or too large."""
    return int(value) if value.isdigit() and len(value) < 9 else sys.maxsize


def _fits(rows: Rows, model: Model) -> bool:
    """Whether a kernel takes rows of this form: an array, or columns where the model takes a table."""
    return type(rows) is np.ndarray or model.signature.frame


def _read_v1(context: Context, model: Model, body: bytes) -> tuple[Rows, str] | None:
    if (rows := plain.read_v1(body)) is not None:
        return rows, ""
    call = v1.decode(body)
    return None if not _fits(call.rows, model) or call.parameters or call.ignored else (call.rows, "")


def _write_v1(context: Context, question: Question, result: Any) -> bytes:
    return plain.write_v1(result) or v1.encode(result, context.settings.nan)


def _read_v2(
    context: Context, model: Model, body: bytes, json_length: int | None = None
) -> tuple[Rows, str] | None:
    signature = model.signature
    if json_length is None:
        reading = plain.read_v2(body, signature.features)
    else:
        reading = plain.read_v2_binary(body, json_length, signature.features)
    if reading is not None:
        return reading
    request = v2.decode(body, json_length)
    if request.parameters or request.outputs:
        return None
    call = to_call(request, signature.methods, model.method, signature.features)
    return None if not _fits(call.rows, model) or call.ignored else (call.rows, request.id)


def _write_v2(context: Context, question: Question, result: Any) -> bytes:
    model, version = question.model, question.head.version
    if (reply := plain.write_v2(result, model.name, version, question.id)) is not None:
        return reply
    request, answer = InferRequest((), id=question.id), {model.method: result}
    response = to_response(request, answer, model.method, model.name, version, model.signature.classes)
    return v2.encode(response, request, context.settings.nan)[0]
