"""The Deployment of a component. Its pod template is made of the component alone: no setting reaches it unpinned."""

from typing import Any

from kserve_lite.render import metadata
from kserve_lite.render.storage import provision
from kserve_lite.resolve import pin
from kserve_lite.resolve.defaults import SPREAD_SECONDS
from kserve_lite.resolve.effective import Component, Effective
from kserve_lite.resolve.labels import selector
from kserve_lite.resolve.ports import TRANSFORMER


def deployment(effective: Effective, component: Component) -> dict[str, Any]:
    """Return the Deployment; `replicas` is absent where an autoscaler sets it.

    Whoever applies it must hand the number over before it vanishes: a field that its only owner gives up falls back to
    the default of one replica.
    """
    replicas = component.scaling.replicas
    pods = dict(component.kept.template) if component.kept is not None else template(component)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata.of_component(effective, component, **pin.written(component, pods)),
        "spec": {
            **({} if replicas is None else {"replicas": replicas}),
            "selector": {"matchLabels": selector(component.name)},
            "strategy": dict(component.strategy),
            "minReadySeconds": SPREAD_SECONDS,
            "template": pods,
        },
    }


def template(component: Component) -> dict[str, Any]:
    """Return the pod template."""
    files = provision(component)
    container = files.read_by(component.container)
    others = [
        files.read_by(other) if other.get("name") == TRANSFORMER else dict(other)
        for other in component.others
    ]
    spec = {**component.pod, **files.pod, "containers": [container, *others]}
    ours = {first["name"] for first in files.init_containers}
    own = [first for first in component.pod.get("initContainers") or () if first.get("name") not in ours]
    if first := [*files.init_containers, *own]:
        spec["initContainers"] = first
    if volumes := [*(component.pod.get("volumes") or ()), *files.volumes]:
        spec["volumes"] = volumes
    labels = dict(component.labels)
    head: dict[str, Any] = {"labels": labels}
    if component.annotations:
        head["annotations"] = dict(component.annotations)
    return {"metadata": head, "spec": spec}
