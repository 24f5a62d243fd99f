"""kserve.utils.utils: what code that serves models calls."""

from kserve_lite_server.cpus import available_cpus as cpu_count
from kserve_lite_server.flags import boolean as strtobool
from kserve_lite_server.sdk.payloads import generate_uuid, get_predict_input, get_predict_response

__all__ = ["cpu_count", "generate_uuid", "get_predict_input", "get_predict_response", "strtobool"]
