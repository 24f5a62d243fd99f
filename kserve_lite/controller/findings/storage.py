"""Why the model was not fetched, or how far it is."""

from __future__ import annotations

from kserve_lite.controller.findings import log
from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.findings.pod import Container, Evidence

INITIALIZER = "storage-initializer"
_CODES = {
    "not_found": "StorageNotFound",
    "access_denied": "StorageAccessDenied",
    "credentials_missing": "StorageAccessDenied",
    "credentials_invalid": "StorageAccessDenied",
}


def failed(container: Container) -> Finding | None:
    """The storage step said why it gave up; its last word counts until it has succeeded."""
    ended = container.ended
    if ended is None or container.ready or not container.name.startswith(INITIALIZER):
        return None
    report = log.storage_report(str(ended.get("message") or ""))
    if report is None or report["phase"] != "failed":
        return None
    code = str(report.get("code", ""))
    message = f"{report.get('message', '')} ({code})"
    return Finding(
        _CODES.get(code, "StorageFailed"),
        container.place,
        message,
        str(report.get("remedy", "")).rstrip("."),
        exit_code=ended.get("exitCode"),
        time=ended.get("finishedAt"),
    )


def progress(container: Container, evidence: Evidence) -> Finding | None:
    """It is at work; its log says how far."""
    if container.running is None or not container.name.startswith(INITIALIZER):
        return None
    report = log.storage_report(evidence.logs.get(container.name, ""))
    if report is None or report["phase"] != "downloading":
        return Finding("Downloading", container.place, "the model is being fetched")
    done, total = int(report.get("bytes") or 0), report.get("total")
    said = f"{size(done)} of {size(total)} ({100 * done // total} %)" if total else size(done)
    return Finding("Downloading", container.place, f"{said} of {report.get('uri', 'the model')}")


def size(count: int) -> str:
    """Write a number of bytes as a person reads it."""
    value, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"
