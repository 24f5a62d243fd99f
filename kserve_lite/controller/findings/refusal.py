"""Why a child could not be written."""

from __future__ import annotations

from collections.abc import Iterable

from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.runtime.apply import Refusal


def refusals(found: Iterable[Refusal]) -> list[Finding]:
    """Return a finding for each child that was refused."""
    return [finding(refusal) for refusal in found]


def finding(refusal: Refusal) -> Finding:
    """Say what one refusal means for the user."""
    place = f"{refusal.kind} {refusal.name}"
    if refusal.foreign:
        return Finding("ForeignObject", place, f"it exists and belongs to {refusal.message}")
    if refusal.status == 404:
        message = f"the cluster has no kind {refusal.kind}" + (
            "" if "could not find" in refusal.message else f" ({refusal.message})"
        )
        return Finding("KindNotInstalled", place, message)
    if "exceeded quota" in refusal.message:
        return Finding("QuotaExceeded", place, refusal.message)
    if refusal.status == 403 and "cannot" in refusal.message:
        return Finding("Forbidden", place, refusal.message)
    return Finding("ChildRefused", place, refusal.message)
