"""OpenTelemetry spans: one for each request to a model, sent where OTEL_EXPORTER_OTLP_ENDPOINT says.

The environment's OTEL_* variables mean what they mean to every program (service name, headers, sampler, batching).
Nothing of this is imported unless an endpoint is set. A span is made when its request has ended, with the times that
were seen, so a request without one pays nothing.
"""

import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kserve_lite_server import __version__
from kserve_lite_server.http.observe import Seen, Trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"


def open_spans(environment: Mapping[str, str] = os.environ) -> "Spans | None":
    """Begin to send spans, if the environment asks for it; a request for what is not there is said in the log."""
    if not any(environment.get(name) for name in ENDPOINTS) or _switched_off(environment):
        return None
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), SPOKEN)
    if protocol != SPOKEN:
        log.warning(
            "no spans are sent: OTLP over %s is not supported; set %s=%s", protocol, PROTOCOLS[1], SPOKEN
        )
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        log.warning("no spans are sent: %s is not installed; install kserve-lite-server[tracing]", error.name)
        return None
    resource = Resource.create()
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "kserve-lite-server"}))
    provider = TracerProvider(resource=resource, id_generator=_ids())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    log.info("sending spans to %s", next(environment[name] for name in ENDPOINTS if environment.get(name)))
    return Spans(provider)


class Spans:
    """Turns requests that have ended into spans; safe to use from any thread."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("kserve_lite_server", __version__)

    def record(self, seen: Seen, status: int, code: str, seconds: float, trace: Trace | None) -> Trace | None:
        """Write one span; returns the trace that it belongs to, None when it is not sampled."""
        from opentelemetry import trace as api

        parent = api.INVALID_SPAN_CONTEXT
        if trace is not None:
            flags = api.TraceFlags(int(trace.flags, 16))
            parent = api.SpanContext(int(trace.trace, 16), int(trace.parent, 16), True, flags)
            _next.span = int(trace.span, 16)
        ended = time.time_ns()
        span = self._tracer.start_span(
            _name(seen),
            api.set_span_in_context(api.NonRecordingSpan(parent)),
            api.SpanKind.SERVER,
            _attributes(seen, status, code),
            start_time=ended - int(seconds * 1e9),
        )
        if status >= 500:
            span.set_status(api.StatusCode.ERROR, code)
        span.end(ended)
        _next.span = None
        own = span.get_span_context()
        if trace is not None or not own.trace_flags.sampled:
            return trace
        return Trace(f"{own.trace_id:032x}", "", f"{own.trace_flags:02x}", f"{own.span_id:016x}")

    def close(self) -> None:
        """Send what has not been sent yet."""
        self._provider.shutdown()


def _switched_off(environment: Mapping[str, str]) -> bool:
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return disabled or environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp"


def _name(seen: Seen) -> str:
    return seen.path.lstrip("/") if seen.method == "gRPC" else f"{seen.method} {_route(seen)}"


def _route(seen: Seen) -> str:
    """The path without the names that callers choose."""
    verb = seen.path.rpartition(":")[2]
    return f"/v1/models/{{model}}:{verb}" if seen.protocol == "v1" else "/v2/models/{model}/infer"


def _attributes(seen: Seen, status: int, code: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "kserve_lite.model": seen.model,
        "kserve_lite.rows": seen.rows,
        "kserve_lite.decode_seconds": seen.decoding,
        "kserve_lite.encode_seconds": seen.encoding,
    }
    if seen.method == "gRPC":
        service, _, method = seen.path.strip("/").rpartition("/")
        attributes |= {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
    else:
        attributes |= {
            "http.request.method": seen.method,
            "http.route": _route(seen),
            "url.path": seen.path,
            "http.response.status_code": status,
        }
    if code:
        attributes["error.type"] = code
    return attributes


class _Next(threading.local):
    span: int | None = None  # the id that the log and the reply already carry


_next = _Next()


def _ids() -> Any:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        def generate_span_id(self) -> int:
            return super().generate_span_id() if _next.span is None else _next.span

    return Ids()
