"""What stands between a request's bytes and its protocol: compression and CloudEvents, both ways."""

from dataclasses import dataclass

from kserve_lite_server.http.heavy import off_loop
from kserve_lite_server.http.process import Process
from kserve_lite_server.http.request import Request
from kserve_lite_server.http.response import Response
from kserve_lite_server.protocol import cloudevents, compression


@dataclass(frozen=True, slots=True)
class Payload:
    """A request's body as its protocol wants it, and the event that it came in."""

    body: bytes
    event: cloudevents.Event | None


async def read_payload(context: Process, request: Request) -> Payload:
    """Read, decompress and unwrap the body."""
    body = await request.body()
    if encoding := request.headers.get("content-encoding"):
        limit = context.settings.max_request_bytes
        body = await off_loop(len(body) * 8, lambda: compression.decompress(body, encoding, limit))
    event, body = cloudevents.unwrap(request.headers, body)
    return Payload(body, event)


def in_event(context: Process, payload: Payload, model: str, response: Response) -> Response:
    """The reply as an event, when the request was one."""
    if payload.event is not None:
        response.body, response.content_type, headers = cloudevents.wrap(
            payload.event, model, response.body, response.content_type, context.settings.reply_events
        )
        response.headers.update(headers)
    return response


async def compressed(request: Request, response: Response) -> Response:
    """The reply in the encoding that the client prefers, when it is worth it."""
    accept = request.headers.get("accept-encoding", "")
    if len(response.body) >= compression.SMALLEST and accept and (encoding := compression.choose(accept)):
        response.body = await off_loop(
            len(response.body), lambda: compression.compress(response.body, encoding)
        )
        response.headers["content-encoding"] = encoding
        response.headers["vary"] = "accept-encoding"
    return response
