"""Which serving runtime serves a model: the same answer on a laptop, in the controller and in `plan`.

The rules are KServe's, without its dependence on creation times: two runtimes that differ in nothing else are told
apart by their names, so a choice never changes because an object was created anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

PROTOCOLS = ("v1", "v2", "grpc-v1", "grpc-v2")


@dataclass(frozen=True)
class Format:
    """One model format that a runtime supports; without `auto_select` only an explicit `runtime:` leads to it."""

    name: str
    version: str | None = None
    priority: int | None = None
    auto_select: bool = True


@dataclass(frozen=True)
class Runtime:
    """A ServingRuntime (`scope` namespace) or ClusterServingRuntime (`scope` cluster), as far as choosing needs it."""

    name: str
    formats: tuple[Format, ...]
    protocols: tuple[str, ...]
    containers: tuple[dict[str, Any], ...]
    scope: Literal["namespace", "cluster"] = "cluster"
    disabled: bool = False
    multi_model: bool = False
    multi_node: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    pod: dict[str, Any] = field(default_factory=dict)
    """The other fields of its pod: volumes, nodeSelector, tolerations and so on."""
    server: str = ""
    """The kind of server, as `servers` knows it."""


@dataclass(frozen=True)
class Model:
    """What a predictor asks for; `protocol` and `runtime` are None where the user left the choice to us."""

    format: str
    version: str | None = None
    protocol: str | None = None
    runtime: str | None = None
    multi_node: bool = False

    @property
    def wanted(self) -> str:
        """The format as a sentence names it."""
        return f"{self.format} {self.version}" if self.version else self.format


@dataclass(frozen=True)
class Verdict:
    """One runtime judged: whether it can serve the model, and why it does not."""

    runtime: Runtime
    fits: bool
    reason: str


@dataclass(frozen=True)
class Choice:
    """The runtime chosen, None if none can serve the model, and the verdict on every candidate."""

    best: Runtime | None
    protocol: str | None
    verdicts: tuple[Verdict, ...]


def choose(model: Model, candidates: Sequence[Runtime]) -> Choice:
    """Return the best runtime, and for every other one the reason it was passed over."""
    verdicts = [judge(model, runtime) for runtime in candidates]
    fitting = sorted((v.runtime for v in verdicts if v.fits), key=lambda runtime: _rank(model, runtime))
    if not fitting:
        return Choice(None, None, tuple(verdicts))
    best = fitting[0]
    told = (_chosen(v) if v.runtime is best else _beaten(model, v, best) for v in verdicts)
    return Choice(best, _protocol(model, best), tuple(told))


def judge(model: Model, runtime: Runtime) -> Verdict:
    """Say whether `runtime` can serve `model` at all, and if not, what stands against it."""
    if reason := _against(model, runtime):
        return Verdict(runtime, False, reason)
    return Verdict(runtime, True, "fits")


def _against(model: Model, runtime: Runtime) -> str | None:
    explicit = model.runtime is not None
    if explicit and runtime.name != model.runtime:
        return f"runtime: {model.runtime} is asked for by name"
    if runtime.disabled:
        return "it is disabled"
    if not explicit and runtime.multi_model:
        return "it is a multi-model runtime, which only an explicit runtime: selects"
    if not explicit and runtime.multi_node != model.multi_node:
        return (
            "it is for multi-node predictors (workerSpec)" if runtime.multi_node else "it has no workerSpec"
        )
    supported = [f for f in runtime.formats if f.name == model.format]
    if not supported:
        return f"it does not support the model format {model.format}"
    if model.version is not None and not (supported := [f for f in supported if f.version == model.version]):
        versions = ", ".join(f.version for f in runtime.formats if f.name == model.format and f.version)
        return f"it supports {model.format} in version {versions or 'unnamed'}, not {model.version}"
    if not explicit and not any(f.auto_select for f in supported):
        return f"it serves {model.format} only when asked for by name (autoSelect is off)"
    wanted = model.protocol if explicit else model.protocol or "v1"
    if wanted and runtime.protocols and wanted not in runtime.protocols:
        return f"it speaks {', '.join(runtime.protocols)}, not {wanted}"
    return None


def _rank(model: Model, runtime: Runtime) -> tuple[Any, ...]:
    """Sort key, best first: own namespace, priority set and high, simplest protocol, name."""
    priority = _priority(model, runtime)
    lowest = min((PROTOCOLS.index(p) for p in runtime.protocols if p in PROTOCOLS), default=len(PROTOCOLS))
    return (runtime.scope != "namespace", priority is None, -(priority or 0), lowest, runtime.name)


def _priority(model: Model, runtime: Runtime) -> int | None:
    return next((f.priority for f in runtime.formats if f.name == model.format), None)


def _protocol(model: Model, best: Runtime) -> str:
    if model.protocol:
        return model.protocol
    if not best.protocols or "v1" in best.protocols:
        return "v1"
    return min(best.protocols, key=lambda p: PROTOCOLS.index(p) if p in PROTOCOLS else len(PROTOCOLS))


def _chosen(verdict: Verdict) -> Verdict:
    return Verdict(verdict.runtime, True, "chosen")


def _beaten(model: Model, verdict: Verdict, best: Runtime) -> Verdict:
    if not verdict.fits:
        return verdict
    mine, other = _rank(model, verdict.runtime), _rank(model, best)
    if mine[0] != other[0]:
        why = f"{best.name} of the service's own namespace comes before cluster runtimes"
    elif mine[1:3] != other[1:3]:
        why = (
            f"{best.name} has priority {_priority(model, best)}, this one {_priority(model, verdict.runtime)}"
        )
    elif mine[3] != other[3]:
        why = f"{best.name} of equal priority speaks the simpler protocol {_protocol(model, best)}"
    else:
        why = f"{best.name} of equal priority comes first by name"
    return Verdict(verdict.runtime, True, f"fits, but {why}")
