"""CloudEvents 1.0 around a request and its reply, in binary mode (headers) and structured mode (one JSON object)."""

import base64
import binascii
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from kserve_lite_server.errors import ServeError

REQUIRED = ("specversion", "id", "source", "type")
STRUCTURED = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Event:
    """The attributes of the event that a request came in."""

    attributes: Mapping[str, Any]
    structured: bool


@dataclass(frozen=True, slots=True)
class ReplyEvents:
    """What replies to events carry: KServe's CE_TYPE, CE_SOURCE and CE_MERGE."""

    type: str = "io.kserve.inference.response"
    source: str = ""  # empty: io.kserve.inference.{model}
    merge: bool = False


def unwrap(headers: Mapping[str, str], body: bytes) -> tuple[Event | None, bytes]:
    """The event, if the request is one, and the request's own body. Raises `ServeError` "invalid_event"."""
    if "ce-specversion" in headers:
        attributes = {name[3:]: value for name, value in headers.items() if name.startswith("ce-")}
        return Event(_complete(attributes, "header ce-"), structured=False), body
    if headers.get("content-type", "").split(";")[0].strip().lower() == STRUCTURED:
        try:
            event = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ServeError("invalid_event", f"the CloudEvent is not JSON: {error}") from None
        if not isinstance(event, dict):
            raise ServeError("invalid_event", "the CloudEvent must be a JSON object")
        attributes = {name: value for name, value in event.items() if name not in ("data", "data_base64")}
        return Event(_complete(attributes, "attribute "), structured=True), _data(event)
    return None, body


def wrap(
    event: Event, model: str, body: bytes, content_type: str, reply: ReplyEvents
) -> tuple[bytes, str, dict[str, str]]:
    """Body, content type and headers of the reply to an event, in the event's own mode."""
    attributes = {
        **(event.attributes if reply.merge else {}),
        "specversion": "1.0",
        "id": event.attributes["id"] if reply.merge else str(uuid.uuid4()),
        "source": reply.source or f"io.kserve.inference.{model}",
        "type": reply.type,
        "time": datetime.now(UTC).isoformat(),
    }
    if not event.structured:
        return body, content_type, {f"ce-{name}": str(value) for name, value in attributes.items()}
    attributes["datacontenttype"] = content_type
    if content_type == "application/json":
        return orjson.dumps({**attributes, "data": orjson.Fragment(body)}), STRUCTURED, {}
    return orjson.dumps({**attributes, "data_base64": base64.b64encode(body).decode()}), STRUCTURED, {}


def _complete(attributes: dict[str, Any], word: str) -> dict[str, Any]:
    for name in REQUIRED:
        if not attributes.get(name):
            raise ServeError("invalid_event", f"the CloudEvent lacks the {word}{name}")
    return attributes


def _data(event: dict[str, Any]) -> bytes:
    if "data_base64" in event:
        try:
            return base64.b64decode(event["data_base64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise ServeError("invalid_event", "the CloudEvent's data_base64 is not base64") from None
    if "data" not in event:
        raise ServeError("invalid_event", "the CloudEvent has no data")
    return orjson.dumps(event["data"])
