"""How a server process is set up: KServe's flags and environment, plus ours, read once into one frozen
object."""

import argparse
import difflib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from kserve_lite_server.cpus import available_cpus
from kserve_lite_server.flags import boolean, milliseconds, one_of, port, positive, seconds, whole, workers
from kserve_lite_server.protocol.cloudevents import ReplyEvents

# KServe's flags that speak of a transformer's predictor: read, and said to have no effect on a model server.
TRANSFORMER_FLAGS = (
    "predictor_host",
    "predictor_protocol",
    "predictor_use_ssl",
    "predictor_request_timeout_seconds",
    "predictor_request_retries",
    "enable_predictor_health_check",
)
# KServe's flag for the threads of its gRPC server.
NO_THREADS = (
    "--max_threads has no effect: gRPC is answered in the event loop, and by a model's own threads where it is slow "
    "(--max_asyncio_workers)"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that flags and environment decide; the rest of the server reads nothing else."""

    model_name: str = "model"
    model_dir: Path = Path("/mnt/models")
    model_uri: str = ""  # where what belongs into model_dir is fetched from first
    model_config: Path | None = None
    models_memory: int = 0
    host: str = "0.0.0.0"
    http_port: int = 8080
    grpc_port: int = 8081
    enable_grpc: bool = True
    grpc_max_receive_message_length: int = 256 * 1024 * 1024
    grpc_max_send_message_length: int | None = None
    grpc_tls_cert: Path | None = None
    grpc_tls_key: Path | None = None
    grpc_tls_client_ca: Path | None = None
    workers: int = 1
    threads: int = field(default_factory=lambda: max(2, available_cpus() + 1))
    max_queue_size: int = 100
    request_timeout: float = 600.0
    max_request_bytes: int = 256 * 1024 * 1024
    max_header_bytes: int = 64 * 1024
    keep_alive_timeout: int = 65
    hot_path: bool = True
    max_batch_size: int = 0
    max_latency: float = 0.0
    drain_timeout: float = 30.0
    enable_docs_url: bool = False
    enable_latency_logging: bool = True
    log_lines_per_second: int = 10
    log_format: str = "auto"
    log_level: str = "INFO"
    method: str | None = None
    version_policy: str = "warn"
    trusted_types: tuple[str, ...] = ()
    nan: str = "string"
    reply_events: ReplyEvents = field(default_factory=ReplyEvents)
    notes: tuple[str, ...] = ()  # said once in the log at start: what was accepted without effect

    @property
    def one_port(self) -> bool:
        """Whether REST and gRPC are asked for on the same port; 0 is any free one for each."""
        return self.enable_grpc and self.grpc_port == self.http_port != 0


def read_settings(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """Read flags (`--model_name` or `--model-name`) and environment; a mistake ends the process with status
    2."""
    parser = _parser()
    known = {option for action in parser._actions for option in action.option_strings}
    parsed = vars(parser.parse_args([_underscored(argument, known, parser) for argument in arguments]))
    place = parsed.pop("model_dir")
    if "://" not in str(place):
        parsed["model_dir"] = Path(place)
    elif parsed["model_config"] is None:
        parsed["model_uri"] = place
    else:
        parser.error(f"--model_config fetches models into --model_dir: {place} is not a folder")
    parsed["trusted_types"] = tuple(name for name in parsed["trusted_types"].split(",") if name)
    notes = tuple(
        f"--{flag} has no effect: this process serves a model, it calls no predictor"
        for flag in TRANSFORMER_FLAGS
        if parsed.pop(flag) is not None
    )
    if parsed.pop("max_threads") is not None:
        notes += (NO_THREADS,)
    if parsed["method"] is None and environment.get("PREDICT_PROBA", "").lower() == "true":
        parsed["method"] = "predict_proba"
    if parsed["log_level"] is None:
        parsed["log_level"] = environment.get("KSERVE_LOGLEVEL", "INFO").upper()
    parsed["reply_events"] = ReplyEvents(
        environment.get("CE_TYPE", ReplyEvents().type),
        environment.get("CE_SOURCE", ""),
        environment.get("CE_MERGE", "").lower() == "true",
    )
    return Settings(**parsed, notes=notes)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"kserve-lite-server: error: {message}\n")
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    defaults = Settings(threads=0)
    parser = _Parser(
        prog="kserve-lite-server",
        description="Serve scikit-learn models over KServe's protocols.",
        allow_abbrev=False,
    )

    def flag(name: str, kind: Any, text: str, *aliases: str, **more: Any) -> None:
        more.setdefault("default", getattr(defaults, more.get("dest", name), None))
        parser.add_argument(f"--{name}", *(f"--{alias}" for alias in aliases), type=kind, help=text, **more)

    flag("model_name", str, "name of the model in the URL")
    flag("model_dir", str, "folder or URI of the model file, or of one folder a model")
    flag(
        "model_config",
        Path,
        "file that lists models to fetch into model_dir and serve; read again when it changes",
    )
    flag("models_memory", whole, "bytes for all models of model_config; 0: the container's memory limit")
    flag("host", str, "address to listen on")
    flag("http_port", port, "REST port")
    flag("grpc_port", port, "gRPC port; the HTTP port's number serves both there")
    flag("enable_grpc", boolean, "listen for gRPC")
    flag("workers", workers, "worker processes that share the models' memory; auto: one a CPU")
    flag("max_threads", positive, "no effect: gRPC is answered in the event loop", default=None)
    flag(
        "grpc_max_receive_message_length",
        positive,
        "largest gRPC request, in bytes; more is RESOURCE_EXHAUSTED",
    )
    flag("grpc_max_send_message_length", positive, "largest gRPC answer, in bytes (default: no limit)")
    flag(
        "grpc_tls_cert",
        Path,
        "PEM file with the gRPC port's certificate chain; read again when it is replaced",
    )
    flag("grpc_tls_key", Path, "PEM file with the certificate's key")
    flag("grpc_tls_client_ca", Path, "PEM file with the authorities whose certificates a client must show")
    flag(
        "max_asyncio_workers",
        positive,
        "threads that run predictions, per model (default: CPUs + 1)",
        "threads",
        dest="threads",
        default=max(2, available_cpus() + 1),
    )
    flag("max_queue_size", positive, "requests that may wait per model; more are answered 429")
    flag("request_timeout", seconds, "seconds a request may take, answered 504 after that")
    flag("max_request_bytes", positive, "largest request body, after decompression; more is answered 413")
    flag("max_header_bytes", positive, "largest request head; more is answered 431")
    flag("keep_alive_timeout", positive, "seconds an idle connection is kept", "timeout_keep_alive")
    flag("hot_path", boolean, "answer plain predict requests inside the HTTP protocol")
    flag("max_batch_size", whole, "rows that are computed together at most; 0: no bound")
    flag("max_latency", milliseconds, "milliseconds that a request may wait for others; 0: not at all")
    flag("drain_timeout", seconds, "seconds that running requests get after SIGTERM")
    flag("enable_docs_url", boolean, "serve /docs")
    flag("enable_latency_logging", boolean, "one log line a request")
    flag(
        "log_lines_per_second", positive, "log lines of answered requests a second; failures are all written"
    )
    flag("log_format", one_of("auto", "json", "text"), "auto: text on a terminal, json elsewhere")
    flag(
        "log_level",
        one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        "least severe line that is written",
        default=None,
    )
    flag("method", str, "method that a request runs when it names none (default: predict)")
    flag(
        "version_policy",
        one_of("warn", "strict"),
        "what to do when the file was made by another scikit-learn",
    )
    flag("trusted_types", str, "comma-separated types that a .skops file may build", default="")
    flag("nan", one_of("string", "null"), "how NaN and Infinity are written in JSON")
    for name in TRANSFORMER_FLAGS:
        flag(name, str, argparse.SUPPRESS, default=None)
    return parser


def _underscored(argument: str, known: set[str], parser: argparse.ArgumentParser) -> str:
    """Spell a flag as KServe does; refuse an unknown one with the nearest known."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument[2:].partition("=")
    flag = "--" + name.replace("-", "_")
    if flag not in known:
        nearest = difflib.get_close_matches(flag, known, n=1)
        parser.error(
            f"unknown flag --{name}" + (f"; did you mean {nearest[0]}?" if nearest else "; see --help")
        )
    return flag + equals + value
