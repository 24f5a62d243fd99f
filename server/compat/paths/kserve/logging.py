"""kserve.logging."""

from kserve_lite_server.sdk.logs import configure_logging, logger, trace_logger

KSERVE_LOGGER_NAME, KSERVE_TRACE_LOGGER_NAME = logger.name, trace_logger.name

__all__ = ["KSERVE_LOGGER_NAME", "KSERVE_TRACE_LOGGER_NAME", "configure_logging", "logger", "trace_logger"]
