"""What containers and pods get unless the user or the runtime says otherwise: probes, security, resources, drain."""

from collections.abc import Mapping
from typing import Any

from kserve_lite.api.config import PodDefaults
from kserve_lite.resolve.labels import selector

HTTP = "http"
"""In the probes of a runtime: the port of REST, wherever the user puts it."""
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
DRAIN_SECONDS = 5
"""Between the pod's leaving the endpoints and SIGTERM: as long as it takes until nobody sends it new requests."""
SPREAD_SECONDS = 2
"""From a pod's first answer until it counts as available: kube-proxy brings addresses to the nodes once a second."""

# What Pod Security `restricted` asks of each container; the rest may be said once, of the pod.
_SECURE: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_SECURE_POD: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def answering(
    container: Mapping[str, Any],
    ready: Mapping[str, Any],
    live: Mapping[str, Any] | None,
    port: int,
    pods: PodDefaults,
) -> dict[str, Any]:
    """Return the container that answers with its probes, drain, resources, last words and security.

    `ready` is the handler that asks the model, used where the container has no readiness probe of its own; `live` that
    of the server's liveness, None where it is not known what it answers.
    """
    done = dict(container)
    if "readinessProbe" not in done:
        done["readinessProbe"] = {**ready, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3}
        # A model may take long to load; until it answers, nothing else is asked and nothing is killed.
        done.setdefault(
            "startupProbe", {**ready, "periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 1800}
        )
    if live and "livenessProbe" not in done:
        done["livenessProbe"] = {**live, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6}
    for name in PROBES:
        if name in done:
            done[name] = at_port(done[name], port)
    done["lifecycle"] = {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}, **done.get("lifecycle", {})}
    done["resources"] = with_resources(done.get("resources") or {}, pods.resources)
    # The end of a log is what tells why a model did not load; in the pod's status nobody has to ask for it.
    done.setdefault("terminationMessagePolicy", "FallbackToLogsOnError")
    return secured(done)


def ask(path: str, port: int) -> dict[str, Any]:
    """Return a probe's handler that asks over HTTP."""
    return {"httpGet": {"path": path, "port": port}}


def at_port(probe: Mapping[str, Any], port: int) -> dict[str, Any]:
    """Return the probe with the number in place of the name `http`, which the user's ports may not have."""
    return {
        kind: {**handler, "port": port}
        if isinstance(handler, Mapping) and handler.get("port") == HTTP
        else handler
        for kind, handler in probe.items()
    }


def with_resources(own: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    """Return resources with the default of each that the container says nothing about.

    A request is never added where there is a limit: it could be above it, and Kubernetes takes the limit for it anyway.
    """
    named = {*(own.get("requests") or {}), *(own.get("limits") or {})}
    added = {
        kind: {name: amount for name, amount in (default.get(kind) or {}).items() if name not in named}
        for kind in ("requests", "limits")
    }
    return {
        **own,
        **{kind: {**(own.get(kind) or {}), **more} for kind, more in added.items() if more or own.get(kind)},
    }


def secured(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return the container as Pod Security `restricted` wants it, where it does not say otherwise itself."""
    own = container.get("securityContext") or {}
    default = _SECURE if not own.get("privileged") else {}
    return {**container, "securityContext": {**default, **own}}


def pod(written: Mapping[str, Any], component: str, pods: PodDefaults) -> dict[str, Any]:
    """Return the pod's fields with the defaults: no token, no variables of every Service, spread over nodes."""
    done: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": pods.termination_grace_period_seconds,
        **written,
        "securityContext": {**_SECURE_POD, **(written.get("securityContext") or {})},
    }
    if first := done.get("initContainers"):
        done["initContainers"] = [secured(container) for container in first]
    if pods.topology_spread and "topologySpreadConstraints" not in done:
        # Also for one replica: a second one must not restart the first.
        done["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector(component)},
                "matchLabelKeys": ["pod-template-hash"],
            }
        ]
    return done
