"""The kinds that kserve-lite knows."""

from kserve_lite.api import inferenceservice
from kserve_lite.api.marks import Kind

GROUP = "serving.kserve.io"

KINDS: tuple[Kind, ...] = (inferenceservice.KIND,)
