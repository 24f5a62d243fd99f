"""docs/reference/status.md: what a status may say, from the vocabulary that the controller takes its words from."""

from collections.abc import Iterable

from generator.markdown import cell, generated, table
from kserve_lite.api.reasons import (
    CONDITIONS,
    EVENTS,
    GRAPH_CONDITIONS,
    GRAPH_REASONS,
    MODEL_CONDITIONS,
    MODEL_REASONS,
    REASONS,
    ConditionType,
    Reason,
    Weight,
)

_HEADS: dict[Weight, tuple[str, str]] = {
    "progress": (
        "On the way",
        "`Ready` is `Unknown`, `modelStatus.transitionStatus` is `InProgress`: wait.",
    ),
    "failure": (
        "Failures",
        "`Ready` is `False`, `transitionStatus` is `BlockedByFailedLoad`, `lastFailureInfo` has place, exit code and "
        "time; gone on recovery.",
    ),
    "refusal": (
        "Refusals",
        "`Ready` is `False`, `transitionStatus` is `InvalidSpec`: somebody has to change something.",
    ),
}


def status_page() -> str:
    """Return the page of all conditions, reasons and events."""
    parts = [
        generated("Status"),
        "Every reason stands in the condition `Ready` and in that of the component, with a sentence: the place, the "
        "cause, the remedy.\n`kubectl get isvc -o wide` shows it; `kserve-lite explain NAME` walks the whole way.\n"
        "Argo CD's built-in health reads `modelStatus.transitionStatus`, which is always written.\n\n",
        "## Conditions\n\n",
        _conditions(CONDITIONS),
    ]
    for weight, (title, what) in _HEADS.items():
        parts.append(f"\n## {title}\n\n{what}\n\n")
        parts.append(_reasons(reason for reason in REASONS.values() if reason.weight == weight))
    parts.append(
        "\n## Events\n\nA failure or refusal is also a Warning event under its own reason, said once and counted.\n\n"
    )
    rows = ((e.type, f"`{e.reason}`", cell(e.meaning)) for e in EVENTS)
    parts.append(table(("Type", "Reason", "When"), rows))
    for kind, conditions, reasons in (
        ("InferenceGraph", GRAPH_CONDITIONS, GRAPH_REASONS),
        ("TrainedModel", MODEL_CONDITIONS, MODEL_REASONS),
    ):
        parts.append(
            f"\n## {kind}\n\nConditions and reasons of its status; `Ready` repeats the first that is not True.\n\n"
        )
        parts += [_conditions(conditions), "\n", _reasons(reasons.values())]
    return "".join(parts)


def _conditions(conditions: Iterable[ConditionType]) -> str:
    return table(("Condition", "True means"), ((f"`{c.type}`", cell(c.meaning)) for c in conditions))


def _reasons(reasons: Iterable[Reason]) -> str:
    rows = ((f"`{one.code}`", cell(one.meaning), cell(one.remedy)) for one in reasons)
    return table(("Reason", "Meaning", "Remedy, where the cause names no better one"), rows)
