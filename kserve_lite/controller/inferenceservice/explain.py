"""The way of one InferenceService, step by step: spec, storage, credentials, runtime, children, pods, route. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kserve_lite.controller.findings.find import find
from kserve_lite.controller.findings.pod import Pod
from kserve_lite.controller.inferenceservice.look import Look
from kserve_lite.controller.inferenceservice.understand import Understood
from kserve_lite.resolve.effective import Component, Effective

Object = dict[str, Any]
State = Literal["ok", "wait", "fail"]


@dataclass(frozen=True)
class Step:
    """One stop on the way: what is so, and in `lines` the details."""

    title: str
    state: State
    text: str
    lines: tuple[str, ...] = ()


def explain(
    service: Object, understood: Understood, look: Look, live: Sequence[Object], pods: Sequence[Pod]
) -> list[Step]:
    """Return the steps in the order in which a service comes up, and last what it all comes to."""
    steps = [_spec(service, understood)]
    if understood.effective is not None:
        steps += [_runtime(understood.effective), *_storage(understood.effective)]
        steps += _children(understood, live)
    steps += _pods(pods)
    if look.routed:
        steps.append(_route(understood.effective, look))
    steps.append(_verdict(service, look))
    return steps


def _spec(service: Object, understood: Understood) -> Step:
    if understood.effective is None:
        return Step(
            "spec", "fail", "does not resolve", tuple(f"{one} [{one.code}]" for one in understood.obstacles)
        )
    seen = (service.get("status") or {}).get("observedGeneration")
    generation = service["metadata"]["generation"]
    if seen != generation:
        told = "nothing yet" if seen is None else f"generation {seen}"
        text = f"valid, but no controller has looked at generation {generation} (it saw {told})"
        return Step("spec", "fail", text, ("is the controller running, and does it serve this namespace?",))
    return Step("spec", "ok", f"valid, generation {generation}")


def _runtime(effective: Effective) -> Step:
    choice = effective.predictor.choice
    if choice is None or choice.best is None:
        return Step(
            "runtime", "ok", f"none: the container {effective.predictor.container['image']} is the user's own"
        )
    others = tuple(f"{v.runtime.name}: {v.reason}" for v in choice.verdicts if v.runtime is not choice.best)
    text = f"{choice.best.name} over {effective.predictor.protocol}, image {effective.predictor.container['image']}"
    return Step("runtime", "ok", text, others)


def _storage(effective: Effective) -> Iterator[Step]:
    for component in effective.components:
        if component.storage:
            lines = tuple(f"{step.uri} at {step.mount_path} ({step.path})" for step in component.storage)
            yield Step("storage", "ok", f"of the {component.role}", (*lines, *_credentials(component)))


def _credentials(component: Component) -> Iterator[str]:
    account = component.pod.get("serviceAccountName") or "default"
    yield f"as the service account {account}"
    for secret in sorted(set(_secrets({"pod": component.pod, "container": component.container}))):
        yield f"with the secret {secret}"


def _secrets(value: Any) -> Iterator[str]:
    """Names of the Secrets that are referred to; none of them is read."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in ("secretKeyRef", "secretRef", "secret") and isinstance(inner, Mapping):
                yield str(inner.get("name") or inner.get("secretName"))
            yield from _secrets(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets(inner)


def _children(understood: Understood, live: Sequence[Object]) -> Iterator[Step]:
    there = {(obj["kind"], obj["metadata"]["name"]) for obj in live}
    wanted = [(child["kind"], child["metadata"]["name"]) for child in understood.children]
    missing = [f"{kind} {name} is not there" for kind, name in wanted if (kind, name) not in there]
    text = f"{len(wanted) - len(missing)} of {len(wanted)}: {', '.join(f'{kind} {name}' for kind, name in wanted)}"
    yield Step("children", "fail" if missing else "ok", text if wanted else "none wanted", tuple(missing))


def _pods(pods: Sequence[Pod]) -> Iterator[Step]:
    for pod in pods:
        if pod.leaving:
            yield Step("pod", "wait", f"{pod.name} is leaving")
        elif pod.ready:
            yield Step("pod", "ok", f"{pod.name} answers")
        else:
            finding = find(pod)
            yield Step(
                "pod", "fail" if finding.failed else "wait", f"{pod.name}: {finding.code}", (str(finding),)
            )


def _route(effective: Effective | None, look: Look) -> Step:
    url = effective.url if effective else ""
    if look.closed is None:
        return Step("route", "ok", url)
    return Step("route", "fail" if look.closed.failed else "wait", url, (str(look.closed),))


def _verdict(service: Object, look: Look) -> Step:
    finding = look.finding
    if look.stopped:
        return Step("verdict", "ok", "stopped by its annotation serving.kserve.io/stop")
    if finding is None:
        url = (service.get("status") or {}).get("url") or "its address"
        return Step("verdict", "ok", f"ready: {url} answers")
    return Step("verdict", "fail" if finding.failed else "wait", finding.code, (str(finding),))
