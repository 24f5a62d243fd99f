"""The controller's rights as the chart's roles read them: what it may do is what it does."""

from dataclasses import asdict
from typing import Any

from kserve_lite.controller.rights import RIGHTS


def rights() -> list[dict[str, Any]]:
    """Return one rule a resource: group, resource, verbs, and where it is needed."""
    return [asdict(right) for right in RIGHTS]
