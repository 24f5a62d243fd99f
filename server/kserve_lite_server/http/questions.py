"""Plain predict requests, read into rows and written from results by the protocols' own code."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from kserve_lite_server.errors import ServeError
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.observe import Seen, Trace, read_trace
from kserve_lite_server.http.response import Response, error_response
from kserve_lite_server.protocol import compression, v1, v2
from kserve_lite_server.protocol.call import Rows
from kserve_lite_server.protocol.inference import to_call, to_response
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
LARGEST = 64 * 1024  # a larger body is read off the event loop, by the application


@dataclass(slots=True)
class Head:
    """What the head of a plain request says: the model, the protocol, and how long the body is."""

    path: str
    protocol: str
    model: str
    version: str | None
    read: "Reader"
    length: int
    accept_encoding: str
    traceparent: str = ""
    request_id: str = ""

    @property
    def lasting(self) -> bool:
        """Whether the client may send the same head again."""
        return not (self.traceparent or self.request_id)


@dataclass(slots=True)
class Question:
    """A decoded request: who answers it, the rows, and how the result is written."""

    model: Model
    rows: Rows
    encode: Callable[[Any], bytes]
    seen: Seen
    since: float
    trace: Trace | None


Reading = tuple[Rows, Callable[[Any], bytes]]
Reader = Callable[[Context, Model, str | None, bytes], Reading | None]


def read_head(url: bytes, headers: list[tuple[bytes, bytes]]) -> Head | None:
    """Read the head of a POST; None unless it is certainly plain."""
    length, accept, traceparent, request_id = 0, "", "", ""
    for name, value in headers:
        if name == b"content-length":
            length = int(value) if value.isdigit() and len(value) < 6 else LARGEST + 1
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
    if not 0 < length <= LARGEST:
        return None
    if path := V1.fullmatch(url):
        return Head(
            url.decode(), "v1", path[1].decode(), None, _read_v1, length, accept, traceparent, request_id
        )
    if path := V2.fullmatch(url):
        version = path[2].decode() if path[2] else None
        model = path[1].decode()
        return Head(url.decode(), "v2", model, version, _read_v2, length, accept, traceparent, request_id)
    return None


def read_question(context: Context, head: Head, body: bytes) -> Question | None:
    """Decode a plain request; None when the application must answer it, with a refusal for example."""
    since = perf_counter()
    if head.length > context.settings.max_request_bytes:
        return None
    try:
        model = context.repository.model(head.model, head.version)
        if model.plan.methods[model.method].kernel is None:
            return None
        reading = head.read(context, model, head.version, body)
    except ServeError:
        return None
    if reading is None or not model.pace.fits_loop(len(reading[0])):
        return None
    rows, encode = reading
    decoding = perf_counter() - since
    seen = Seen(
        "POST",
        head.path,
        head.protocol,
        head.model,
        len(rows),
        len(body),
        decoding,
        request_id=head.request_id,
    )
    return Question(model, rows, encode, seen, since, read_trace(head.traceparent))


def respond(question: Question, answer: Any, accept: str) -> Response:
    """The reply to a question, as the application writes it."""
    response = _respond(question, answer, accept)
    if question.trace:
        response.headers["traceparent"] = question.trace.header
    return response


def _respond(question: Question, answer: Any, accept: str) -> Response:
    if isinstance(answer, ServeError):
        return error_response(answer)
    try:
        response = Response(body=question.encode(answer))
        if len(response.body) >= compression.SMALLEST and accept and (encoding := compression.choose(accept)):
            response.body = compression.compress(response.body, encoding)
            response.headers = {"content-encoding": encoding, "vary": "accept-encoding"}
        return response
    except ServeError as error:
        return error_response(error)
    except Exception:
        log.exception("the answer of model %s cannot be written", question.model.name)
        return error_response(ServeError("internal", "the server failed; its log says why"))


def _plain(rows: Rows, model: Model) -> bool:
    """Whether a kernel takes rows of this form: an array, or columns where the model takes a table."""
    return type(rows) is np.ndarray or model.signature.frame


def _read_v1(context: Context, model: Model, version: str | None, body: bytes) -> Reading | None:
    call = v1.decode(body)
    if not _plain(call.rows, model) or call.parameters or call.ignored:
        return None
    nan = context.settings.nan
    return call.rows, lambda result: v1.encode(result, nan)


def _read_v2(context: Context, model: Model, version: str | None, body: bytes) -> Reading | None:
    request = v2.decode(body)
    if request.parameters or request.outputs:
        return None
    signature = model.signature
    call = to_call(request, signature.methods, model.method, signature.features)
    if not _plain(call.rows, model) or call.ignored:
        return None
    nan = context.settings.nan

    def encode(result: Any) -> bytes:
        answer = {model.method: result}
        response = to_response(request, answer, model.method, model.name, version, signature.classes)
        return v2.encode(response, request, nan)[0]

    return call.rows, encode
