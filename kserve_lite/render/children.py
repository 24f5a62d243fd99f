"""All children of an InferenceService, in the order of applying."""

from collections.abc import Iterator
from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.render.autoscaling import autoscaler
from kserve_lite.render.disruption import budget
from kserve_lite.render.routes import route_objects
from kserve_lite.render.services import component_service, own_service
from kserve_lite.render.workload import deployment
from kserve_lite.resolve.effective import Effective

Object = dict[str, Any]


def render(effective: Effective, config: Config) -> list[Object]:
    """Return the children as Kubernetes JSON, without owner references; a stopped service has none.

    Equal input gives equal output, to the order of keys. Names are DNS names that come before the pods that use them:
    Services first, then for each component its Deployment, disruption budget and autoscaler, then routes.
    """
    return [] if effective.stopped else list(_children(effective, config))


def _children(effective: Effective, config: Config) -> Iterator[Object]:
    yield own_service(effective)
    for component in effective.components:
        yield component_service(effective, component)
    for component in effective.components:
        yield deployment(effective, component)
        yield from budget(effective, component, config)
        yield from autoscaler(effective, component)
    yield from route_objects(effective, config)
