"""Which headers of a request go on to the next step."""

import os
from collections.abc import Mapping

# KServe's three, and W3C's.
ALWAYS = ("x-request-id", "x-b3-traceid", "authorization", "traceparent", "tracestate", "baggage")
MORE = "KSERVE_LITE_FORWARD_HEADERS"
EXPLAINER = "KSERVE_LITE_EXPLAINER_HOST"


def forwarded(headers: Mapping[str, str] | None) -> dict[str, str]:
    """The headers (lower-case names) of a request that the next step gets; MORE lists others, separated by commas."""
    wanted = {
        *ALWAYS,
        *(name.strip().lower() for name in os.environ.get(MORE, "").split(",") if name.strip()),
    }
    return {name: value for name, value in (headers or {}).items() if name in wanted}


def explainer_host() -> str:
    """Where the InferenceService's explainer is; empty when it has none."""
    return os.environ.get(EXPLAINER, "")
