"""What a status tells beside its conditions: the runtime and why, what has no effect. Read by people, by no program."""

from __future__ import annotations

from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.pin import revision

RUNTIME = "kserve-lite.io/runtime"
REVISION = "kserve-lite.io/runtime-revision"
IGNORED = "kserve-lite.io/ignored"
LONGEST = 1024


def notes(effective: Effective) -> dict[str, str]:
    """Return the annotations of the status."""
    found = {
        RUNTIME: _runtime(effective),
        REVISION: revision(effective.predictor.platform),
        IGNORED: "; ".join(map(str, effective.notices)),
    }
    return {key: text[:LONGEST] for key, text in found.items() if text}


def _runtime(effective: Effective) -> str:
    choice = effective.predictor.choice
    if choice is None or choice.best is None:
        return ""
    beaten = [
        f"{v.runtime.name}: {v.reason}" for v in choice.verdicts if v.fits and v.runtime is not choice.best
    ]
    why = "; ".join(beaten) or "no other serves the model"
    return f"{choice.best.name} over {effective.predictor.protocol} ({why})"
