"""What of a user's words its pods are made of, as one hash: while it is the same, pods stay as they are.

It is taken from the words and not from what the code makes of them, so that a later release which would make other pods
of the same words replaces none. What only scales or labels a service is left out.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from kserve_lite.api.component import Scaled
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.resolve.effective import Component
from kserve_lite.resolve.labels import NEVER, covered, passed_on
from kserve_lite.resolve.surroundings import Surroundings

COMPONENTS = ("predictor", "transformer", "explainer")
VERSION = "app.kubernetes.io/version"
"""Charts write it anew with each of their own releases."""
SCALING = frozenset(
    [
        *(field.alias or name for name, field in Scaled.model_fields.items()),
        *("scaleMetricType", "autoScaling", "deploymentStrategy"),
    ]
)


def intent(component: Component, service: InferenceService, surroundings: Surroundings, spoken: str) -> str:
    """Return the hash; `spoken` is the predictor's protocol, which those before it are told."""
    propagated = component.platform.propagation
    words = {
        "role": component.role,
        "spec": _without_scaling(service.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)),
        "labels": _told(service.labels) | passed_on(service.labels, propagated.labels),
        "annotations": _told(service.annotations),
        "account": asdict(surroundings.account(component.pod)),
        "assigned": service.name in surroundings.parents,
        "spoken": spoken,
    }
    text = json.dumps(words, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _without_scaling(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {key: one for key, one in value.items() if key not in SCALING}
        if name in COMPONENTS and isinstance(value, dict)
        else value
        for name, value in spec.items()
    }


def _told(values: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in values.items() if key != VERSION and not covered(key, NEVER)}
