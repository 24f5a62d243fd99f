"""The ports at which a component answers, as its Service shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kserve_lite.resolve.containers import flag_value

HTTP_PORT = 8080

SERVICE_PORT = 80
TRANSFORMER = "transformer-container"


@dataclass(frozen=True)
class Port:
    """One port of a Service and the container's port behind it; `grpc` is plain HTTP/2."""

    name: str
    number: int
    target: int
    grpc: bool = False


def ports(
    component: str, container: Mapping[str, Any], others: Sequence[Mapping[str, Any]]
) -> tuple[Port, ...]:
    """Return the ports of a component's Service: the first one at 80, the others at their own number, as KServe has it.

    A container called `transformer-container` stands before the model server of its pod, so the ports are its.
    """
    answering = next((c for c in others if c.get("name") == TRANSFORMER), container)
    declared = answering.get("ports") or [{"containerPort": HTTP_PORT}]
    return tuple(
        Port(
            name=str(port.get("name") or (component if i == 0 else f"port-{port['containerPort']}")),
            number=SERVICE_PORT if i == 0 else port["containerPort"],
            target=port["containerPort"],
            grpc=speaks_grpc(port),
        )
        for i, port in enumerate(declared)
    )


def http_port(container: Mapping[str, Any]) -> int:
    """Return where a container answers REST: what --http_port says, else its first port that is not gRPC's."""
    if (flag := flag_value(container, "http_port")) and flag.isdecimal():
        return int(flag)
    declared = container.get("ports") or ()
    rest = next((port["containerPort"] for port in declared if not speaks_grpc(port)), HTTP_PORT)
    return int(rest)


def moved(container: dict[str, Any]) -> dict[str, Any]:
    """Return the container with the port of REST where its own argument --http_port puts it."""
    flag = flag_value(container, "http_port")
    declared = container.get("ports")
    if not flag or not flag.isdecimal() or not declared:
        return container
    number = int(flag)
    if any(port["containerPort"] == number for port in declared):
        return container
    index = next((i for i, port in enumerate(declared) if not speaks_grpc(port)), None)
    if index is None:
        return container
    return {
        **container,
        "ports": [{**p, "containerPort": number} if i == index else p for i, p in enumerate(declared)],
    }


def speaks_grpc(port: Mapping[str, Any]) -> bool:
    """Return whether the port's name says gRPC, as KServe reads it."""
    name = str(port.get("name") or "")
    return "grpc" in name or "h2c" in name
