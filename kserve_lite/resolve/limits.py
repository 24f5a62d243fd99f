"""Timeouts, concurrency and batching: kept by a flag of the server or by a route, and said where nobody keeps them."""

from collections.abc import Iterator, Mapping
from typing import Any

from kserve_lite.api.inferenceservice import ComponentPod
from kserve_lite.api.problems import Problem
from kserve_lite.resolve.containers import flag_value
from kserve_lite.resolve.servers import Limit, Server

BESIDE: Mapping[Limit, str] = {"containerConcurrency": "workers"}
"""The argument that transformers and explainers get, as KServe has it."""


def kept(spec: ComponentPod, server: Server) -> dict[str, str]:
    """Return the flags by which a model server keeps the limits of a component; 0 means no limit."""
    asked = {limit: value for limit, _, value in _asked(spec)}
    return {flag: str(asked[limit]) for limit, flag in server.flags.items() if asked.get(limit)}


def kept_beside(spec: ComponentPod) -> dict[str, str]:
    """Return the flags that a transformer or explainer gets."""
    value = spec.container_concurrency
    return {flag: str(value) for flag in BESIDE.values()} if value else {}


def with_flags(container: Mapping[str, Any], flags: Mapping[str, str]) -> dict[str, Any]:
    """Add arguments that the user has not given."""
    added = [f"--{flag}={value}" for flag, value in flags.items() if flag_value(container, flag) is None]
    return {**container, "args": [*(container.get("args") or ()), *added]} if added else dict(container)


def unkept(spec: ComponentPod, field: str, flags: Mapping[Limit, str], *, routed: bool) -> Iterator[Problem]:
    """Yield a notice for every limit that nobody keeps; `routed`: a route gives up requests after the timeout."""
    for limit, path, value in _asked(spec):
        if not value or limit in flags or (limit == "timeout" and routed):
            continue
        what = (
            "nothing here keeps it"
            if limit == "timeout"
            else "the server has no flag that is known to keep it"
        )
        yield Problem(
            "no_effect", f"{field}.{path}", what, "remove it, and give the server its own flag under args"
        )
    if spec.batcher and spec.batcher.timeout:
        message = "requests that wait for a batch end with the component's timeout"
        yield Problem("no_effect", f"{field}.batcher.timeout", message, "remove it and set timeout")


def _asked(spec: ComponentPod) -> Iterator[tuple[Limit, str, int]]:
    yield "timeout", "timeout", spec.timeout or 0
    yield "containerConcurrency", "containerConcurrency", spec.container_concurrency or 0
    if spec.batcher:
        yield "maxBatchSize", "batcher.maxBatchSize", spec.batcher.max_batch_size or 0
        yield "maxLatency", "batcher.maxLatency", spec.batcher.max_latency or 0
