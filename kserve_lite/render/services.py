"""Services: one for each component, and one called as the InferenceService itself."""

from typing import Any

from kserve_lite.render import metadata
from kserve_lite.resolve.effective import Component, Effective
from kserve_lite.resolve.labels import selector
from kserve_lite.resolve.ports import Port


def component_service(effective: Effective, component: Component) -> dict[str, Any]:
    """Return the Service of one component, called as KServe calls it."""
    return _service(metadata.of_component(effective, component), component)


def own_service(effective: Effective) -> dict[str, Any]:
    """Return the Service `{name}`: it leads to the component that gets the requests."""
    return _service(metadata.of_service(effective, effective.name), effective.entry)


def _service(head: dict[str, Any], component: Component) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": head,
        "spec": {
            "type": "ClusterIP",
            "selector": selector(component.name),
            "ports": [_port(port) for port in component.ports],
        },
    }


def _port(port: Port) -> dict[str, Any]:
    protocol = {"appProtocol": "kubernetes.io/h2c"} if port.grpc else {}
    return {
        "name": port.name,
        "port": port.number,
        "targetPort": port.target,
        "protocol": "TCP",
        **protocol,
    }
