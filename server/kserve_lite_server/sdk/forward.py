"""Which headers of a request go on to the next step."""

import os
from collections.abc import Mapping

# KServe's three, and W3C's.
ALWAYS = ("x-request-id", "x-b3-traceid", "authorization", "traceparent", "tracestate", "baggage")
EXPLAINER = "KSERVE_LITE_EXPLAINER_HOST"
MORE = "KSERVE_LITE_FORWARD_HEADERS"


def forwarded(headers: Mapping[str, str] | None) -> dict[str, str]:
    """The headers (lower-case names) of a request that the next step gets; MORE lists others, separated by commas."""
    wanted = {
        *ALWAYS,
        *(name.strip().lower() for name in os.environ.get(MORE, "").split(",") if name.strip()),
    }
    return {name: value for name, value in (headers or {}).items() if name in wanted}


def explainer_host(environment: Mapping[str, str] = os.environ) -> str | None:
    """Where the InferenceService's explainer would be; None where there is none for certain.

    On a laptop it is told; in a pod it follows from the service's name, so that a pod is the same with and without one.
    """
    if host := environment.get(EXPLAINER):
        return host
    name = environment.get("INFERENCE_SERVICE_NAME")
    return f"{name}-explainer" if name and "KUBERNETES_SERVICE_HOST" in environment else None
