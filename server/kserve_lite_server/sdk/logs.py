"""Logging of a program that serves its own models: ours, unless the program brings a configuration."""

import json
import logging
import logging.config
from pathlib import Path
from typing import Any

from kserve_lite_server.logs import set_up_logs
from kserve_lite_server.sdk.flags import KSERVE_LOGLEVEL

logger = logging.getLogger("kserve")
trace_logger = logging.getLogger("kserve.trace")


def configure_logging(log_config: dict[str, Any] | str | None = None, log_format: str = "auto") -> None:
    """Set logging up from a dict or a YAML, JSON or INI file; without one, as our server does unless it is set up."""
    if log_config is None:
        if not logging.getLogger().handlers and not logger.handlers:
            set_up_logs(log_format, KSERVE_LOGLEVEL)
    elif isinstance(log_config, dict):
        logging.config.dictConfig(log_config)
    elif log_config.endswith(".json"):
        logging.config.dictConfig(json.loads(Path(log_config).read_text(encoding="utf-8")))
    elif log_config.endswith((".yaml", ".yml")):
        from ruamel.yaml import YAML

        logging.config.dictConfig(YAML(typ="safe").load(Path(log_config)))
    else:
        logging.config.fileConfig(log_config, disable_existing_loggers=False)
