"""From what was wanted and what is there to one look: how far each component is, and what stands in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from kserve_lite.controller.findings.deployment import STARTING, Rollout, rollout
from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.findings.pod import Pod
from kserve_lite.controller.findings.refusal import refusals
from kserve_lite.controller.findings.route import ROUTES, closed
from kserve_lite.controller.inferenceservice.look import Look
from kserve_lite.controller.inferenceservice.understand import Understood
from kserve_lite.controller.runtime.apply import Refusal
from kserve_lite.resolve.effective import Role
from kserve_lite.resolve.labels import COMPONENT

Object = dict[str, Any]

ROLES: tuple[Role, ...] = ("predictor", "transformer", "explainer")


def observe(
    service: Object,
    understood: Understood,
    live: Sequence[Object],
    pods: Sequence[Pod],
    refused: Sequence[Refusal] = (),
) -> Look:
    """Return what is to be reported; `live` are the children that exist, `pods` those of all components."""
    effective = understood.effective
    deployments = {_role(obj): obj for obj in live if obj["kind"] == "Deployment"}
    return Look(
        effective=effective,
        rollouts={
            role: rollout(deployments.get(role), [pod for pod in pods if _role(pod.body) == role])
            for role in _roles(service, understood)
        },
        obstacles=(*understood.obstacles, *refusals(refused)),
        routed=any(child["kind"] in ROUTES for child in understood.children),
        closed=closed([obj for obj in live if obj["kind"] in ROUTES]),
        notes=understood.notes,
        stopped=effective is not None and effective.stopped,
    )


def changed(service: Object, understood: Understood, live: Sequence[Object], pods: Sequence[Pod]) -> Look:
    """Return the look at a service that was just written, before anything is done: nothing of it is true yet."""
    look = observe(service, understood, live, pods)
    if look.obstacles or look.stopped:
        return look
    fresh = {
        role: Rollout(
            answering=one.answering,
            finding=Finding("RollingOut", "", "the new version comes up; the previous one still answers")
            if one.answering
            else STARTING,
        )
        for role, one in look.rollouts.items()
    }
    return replace(look, rollouts=fresh)


def _roles(service: Object, understood: Understood) -> list[Role]:
    if understood.effective is not None:
        return [c.role for role in ROLES for c in understood.effective.components if c.role == role]
    spec = service.get("spec")
    named = spec if isinstance(spec, dict) else {}
    return [role for role in ROLES if role in named] or ["predictor"]


def _role(obj: Object) -> Role:
    return cast(Role, (obj["metadata"].get("labels") or {}).get(COMPONENT, ""))
