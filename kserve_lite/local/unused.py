"""Which fields of an InferenceService have no effect on one machine: said once, so that nothing is silently ignored."""

from collections.abc import Mapping
from typing import Any

from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.model import FRAMEWORKS
from kserve_lite.resolve.credentials import SETTINGS

_MODEL = {
    "modelFormat",
    "runtime",
    "storageUri",
    "storage",
    "protocolVersion",
    "runtimeVersion",
    "image",
    "command",
    "args",
    "env",
}
_PREDICTOR = {"model", "storageUris", "timeout", "containers", "volumes", "name", *FRAMEWORKS}
_BESIDE = {"containers", "volumes", "storageUris", "timeout", "type", "config"}


def unused(service: InferenceService) -> list[str]:
    """Return the paths of the fields that were written and that only a cluster uses."""
    spec = service.spec.predictor
    body = spec.model or (spec.framework[1] if spec.framework else None)
    field = "model" if spec.model else (spec.framework[0] if spec.framework else "")
    return [
        *(
            f"metadata.annotations[{name}]"
            for name in service.annotations
            if name.startswith("serving.kserve.io/") and name not in SETTINGS
        ),
        *_outside(spec.as_yaml(), _PREDICTOR, "spec.predictor"),
        *(_outside(body.as_yaml(), _MODEL, f"spec.predictor.{field}") if body else ()),
        *(
            path
            for role in ("transformer", "explainer")
            if (beside := getattr(service.spec, role)) is not None
            for path in _outside(beside.as_yaml(), _BESIDE, f"spec.{role}")
        ),
    ]


def _outside(written: Mapping[str, Any], used: set[str], path: str) -> list[str]:
    return [f"{path}.{key}" for key in written if key not in used]
