"""Log lines: JSON objects, or plain text on a terminal; on stderr, one line each."""

import json
import logging
import sys
import time
from typing import Any


def set_up_logs(log_format: str, level: str) -> None:
    """Send every logger of the process to stderr; "auto" is text on a terminal and JSON elsewhere."""
    text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s") if text else JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(max(logging.WARNING, logging.getLevelName(level)))


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the fields that the caller gave as
    `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        moment = time.gmtime(record.created)
        fields: dict[str, Any] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', moment)}.{int(record.msecs):03d}+00:00",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str, ensure_ascii=False, separators=(",", ":"))
