"""The flags of a transformer, explainer or predictor of one's own: KServe's, and those of our server that fit.

`parser` is made to be a parent: `ArgumentParser(parents=[model_server.parser])`, as KServe's is.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from kserve_lite_server.flags import boolean, one_of, port, positive, seconds
from kserve_lite_server.protocol.cloudevents import ReplyEvents
from kserve_lite_server.sdk.config import PredictorConfig
from kserve_lite_server.settings import Settings

# What `kserve-lite serve` sets for a process of this machine: an upstream server would not know the flags.
KSERVE_LOGLEVEL = os.environ.get("KSERVE_LOGLEVEL", "INFO").upper()
HOST, LOG_FORMAT = "KSERVE_LITE_HOST", "KSERVE_LITE_LOG_FORMAT"

parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
# Flags that KServe does not have stay out of the parent: a program may have its own of that name.
_own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)


def _flag(
    name: str,
    kind: Any,
    default: Any,
    text: str,
    *aliases: str,
    to: argparse.ArgumentParser = parser,
    **more: Any,
) -> None:
    options = dict.fromkeys(
        f"--{spelt}" for one in (name, *aliases) for spelt in (one, one.replace("_", "-"))
    )
    to.add_argument(*options, dest=name, type=kind, default=default, help=text, **more)


_flag("model_name", str, "model", "name of the model in the URL")
_flag("http_port", port, 8080, "REST port")
_flag("grpc_port", port, 8081, "gRPC port; the HTTP port's number serves both there")
_flag("enable_grpc", boolean, True, "listen for gRPC")
_flag("workers", positive, 1, "calls of plain hooks that run at once, in threads of one process")
_flag("max_threads", positive, None, "no effect: gRPC is answered in the event loop")
_flag(
    "max_asyncio_workers",
    positive,
    None,
    "threads that run a model's plain hooks (default: 1, one call at a time)",
)
_flag("enable_docs_url", boolean, False, "no effect: a model's own code is not described")
_flag("enable_latency_logging", boolean, True, "one log line a request")
_flag("configure_logging", boolean, True, "set up logging")
_flag("log_config_file", str, None, "logging configuration in YAML, JSON or INI")
_flag("access_log_format", str, None, "no effect: every request is one JSON line")
_flag("event_loop", str, "auto", "no effect: the loop is uvloop")
_flag("timeout_keep_alive", positive, 65, "seconds an idle connection is kept")
_flag("predictor_host", str, None, "the predictor, as host or host:port")
_flag("predictor_protocol", str, "v1", "what it speaks: v1, v2 or grpc-v2", "protocol")
_flag("predictor_use_ssl", boolean, False, "ask it over TLS")
_flag("predictor_request_timeout_seconds", seconds, 600.0, "seconds that it gets, within the request's own")
_flag("predictor_request_retries", int, 0, "further tries when no connection to it came about")
_flag("enable_predictor_health_check", boolean, False, "be ready only while it is", nargs="?", const=True)
_flag("grpc_max_send_message_length", positive, None, "largest gRPC answer, in bytes (default: no limit)")
_flag("grpc_max_receive_message_length", positive, 256 * 1024 * 1024, "largest gRPC request, in bytes")
_flag("max_queue_size", positive, 100, "calls of plain hooks that may wait; more are answered 429", to=_own)
_flag("request_timeout", seconds, 600.0, "seconds a request may take, answered 504 after that", to=_own)
_flag("max_request_bytes", positive, 256 * 1024 * 1024, "largest request body; more is answered 413", to=_own)
_flag("drain_timeout", seconds, 30.0, "seconds that running requests get after SIGTERM", to=_own)
_flag("host", str, os.environ.get(HOST, "0.0.0.0"), "address to listen on", to=_own)
_flag(
    "log_format",
    one_of("auto", "json", "text"),
    os.environ.get(LOG_FORMAT, "auto"),
    "json, text, or auto: text on a terminal",
    to=_own,
)


def read(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the process's own flags; those of the program itself are left to it."""
    given = sys.argv[1:] if arguments is None else arguments
    known, _ = parser.parse_known_args(given)
    _own.parse_known_args(given, known)
    return known


def settings(flags: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the front doors take."""
    return Settings(
        model_name=flags.model_name,
        host=flags.host,
        http_port=flags.http_port,
        grpc_port=flags.grpc_port,
        enable_grpc=flags.enable_grpc,
        grpc_max_receive_message_length=flags.grpc_max_receive_message_length,
        grpc_max_send_message_length=flags.grpc_max_send_message_length,
        threads=flags.max_asyncio_workers or 1,
        max_queue_size=flags.max_queue_size,
        request_timeout=flags.request_timeout,
        max_request_bytes=flags.max_request_bytes,
        keep_alive_timeout=flags.timeout_keep_alive,
        drain_timeout=flags.drain_timeout,
        enable_latency_logging=flags.enable_latency_logging,
        log_format=flags.log_format,
        log_level=KSERVE_LOGLEVEL,
        reply_events=ReplyEvents(
            environment.get("CE_TYPE", ReplyEvents().type),
            environment.get("CE_SOURCE", ""),
            environment.get("CE_MERGE", "").lower() == "true",
        ),
    )


def predictor_config(flags: argparse.Namespace) -> PredictorConfig:
    """Where the predictor is."""
    return PredictorConfig(
        flags.predictor_host,
        flags.predictor_protocol,
        flags.predictor_use_ssl,
        flags.predictor_request_timeout_seconds,
        flags.predictor_request_retries,
        flags.enable_predictor_health_check,
    )
