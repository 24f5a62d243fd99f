"""What the end of a log says: our programs write JSON lines and a last sentence, Python writes a traceback."""

from __future__ import annotations

import json
import re
from typing import Any

_MODULE = re.compile(r"(?:ModuleNotFoundError|ImportError): (No module named '?([\w.]+)'?.*)")
_NEEDED = re.compile(r"needs the Python module ([\w.]+)")
_SENTENCE = re.compile(r"[\w-]+: error: (?P<message>.+) \[(?P<code>[a-z_]+)\]")  # with which our programs end
_ERROR = re.compile(r"^[\w.]*(?:Error|Exception|Refused|Exit)\b.*")
_LEVELS = frozenset({"ERROR", "CRITICAL", "FATAL"})
TAIL = 400  # characters of a log that a message may hold


def missing_module(log: str) -> tuple[str, str] | None:
    """Return the sentence and the module's name when an import failed; a warning about one is no failure."""
    for line in reversed(log.splitlines()):
        fields = _fields(line)
        if fields is not None and str(fields.get("level", "ERROR")).upper() not in _LEVELS:
            continue
        if found := _MODULE.search(line if fields is None else str(fields.get("message", ""))):
            return found.group(1).strip(), found.group(2)
        if (ended := _SENTENCE.fullmatch(line.strip())) and (needed := _NEEDED.search(ended["message"])):
            return ended["message"], needed[1]
    return None


def last_error(log: str) -> tuple[str, str] | None:
    """Return code and message of the last error that a JSON line or a program's last sentence tells."""
    for line in reversed(log.splitlines()):
        fields = _fields(line)
        if fields is not None and str(fields.get("level", "")).upper() in _LEVELS:
            return str(fields.get("code") or fields.get("error") or ""), str(fields.get("message") or "")
        if ended := _SENTENCE.fullmatch(line.strip()):
            return ended["code"], ended["message"]
    return None


def last_line(log: str) -> str:
    """Return the line that says most: an exception if there is one, else the last."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    if not lines:
        return ""
    said = next((line for line in reversed(lines) if _ERROR.match(line)), lines[-1])
    fields = _fields(said)
    text = str(fields.get("message")) if fields and fields.get("message") else said
    return text if len(text) <= TAIL else f"…{text[-TAIL:]}"


def storage_report(log: str) -> dict[str, Any] | None:
    """Return the last report of the storage step: phase downloading, done or failed."""
    for line in reversed(log.splitlines()):
        fields = _fields(line)
        if fields is not None and fields.get("phase") in ("downloading", "done", "failed"):
            return fields
    return None


def _fields(line: str) -> dict[str, Any] | None:
    line = line.strip()
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
