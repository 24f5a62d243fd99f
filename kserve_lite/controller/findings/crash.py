"""Why a container ended, or runs without answering."""

from __future__ import annotations

from kserve_lite.controller.findings import log
from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.findings.pod import Container, Evidence

_LOAD_CODES = ("model_",)
KILLED = 137  # 128 and the number of SIGKILL


def out_of_memory(container: Container) -> Finding | None:
    """The kernel ended it."""
    ended = container.ended
    if ended is None or container.ready or ended.get("reason") != "OOMKilled":
        return None
    message = "it needed more memory than its limit and was killed"
    return Finding("OutOfMemory", container.place, message,
                   exit_code=ended.get("exitCode"), time=ended.get("finishedAt"))  # fmt: skip


def crashed(container: Container, evidence: Evidence) -> Finding | None:
    """It ended by itself, or was killed and nobody says why; its last words tell."""
    ended = container.ended
    if ended is None or container.ready:
        return None
    words = str(ended.get("message") or "") or evidence.logs.get(container.name, "")
    exit_code = ended.get("exitCode")
    what, code = f"it ended with exit code {exit_code}", "Crashed"
    if exit_code == KILLED and log.last_error(words) is None:
        # The runtime does not always hear of the kernel's reason when a container dies in its first moments.
        what, code = (
            f"it was killed (exit code {KILLED}), most likely for more memory than its limit",
            "OutOfMemory",
        )
    return _from_words(container, words, what, code, exit_code, ended.get("finishedAt"))


def not_answering(container: Container, evidence: Evidence) -> Finding | None:
    """It runs, its probe fails, and its log has an error."""
    words = evidence.logs.get(container.name, "")
    if container.running is None or container.ready or container.init or not words:
        return None
    if log.missing_module(words) is None and log.last_error(words) is None:
        return None
    return _from_words(container, words, "it runs and does not answer", "NotAnswering", None, None)


def _from_words(
    container: Container, words: str, what: str, code: str, exit_code: int | None, time: str | None
) -> Finding:
    remedy = ""
    if module := log.missing_module(words):
        code, message = "MissingModule", module[0]
        remedy = f"use an image that has {module[1]}"
    elif error := log.last_error(words):
        message = error[1]
        if error[0].startswith(_LOAD_CODES):
            code = "ModelLoadFailed"
    else:
        said = log.last_line(words)
        message = f"{what}: {said}" if said else f"{what}, and its log is empty"
    if code == "Crashed":
        remedy = f"kubectl logs {container.pod} -c {container.name} --previous"
    return Finding(code, container.place, message, remedy, exit_code=exit_code, time=time)
