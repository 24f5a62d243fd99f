"""What one look at an InferenceService found: everything that its status is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kserve_lite.controller.findings.deployment import Rollout
from kserve_lite.controller.findings.finding import Finding
from kserve_lite.resolve.effective import Effective, Role


@dataclass(frozen=True)
class Look:
    """`obstacles` stand against the service as a whole: a faulty spec, a child that was refused.

    `rollouts` has an entry for each component that the spec names, resolved or not. `closed` says why the route from
    outside does not lead here; `routed` whether there is one at all.
    """

    effective: Effective | None
    rollouts: Mapping[Role, Rollout] = field(default_factory=dict)
    obstacles: tuple[Finding, ...] = ()
    routed: bool = False
    closed: Finding | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    stopped: bool = False

    @property
    def entry(self) -> Rollout:
        """How far the component is that gets the requests."""
        return self.rollouts.get("transformer") or self.rollouts.get("predictor") or Rollout()

    @property
    def answers(self) -> bool:
        """Whether a request inside the cluster gets an answer, from whichever version."""
        return all(rollout.answering for role, rollout in self.rollouts.items() if role != "explainer")

    @property
    def finding(self) -> Finding | None:
        """The one cause that explains why the service is not ready; None when it is."""
        if self.obstacles:
            return self.obstacles[0]
        waiting = [r.obstacle for r in self.rollouts.values() if r.obstacle is not None]
        if self.closed is not None:
            waiting.append(self.closed)
        return next((finding for finding in waiting if finding.failed), waiting[0] if waiting else None)
