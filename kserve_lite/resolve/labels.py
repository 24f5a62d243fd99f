"""Labels and annotations: those by which objects are found, and those that the user may pass on to pods."""

from collections.abc import Mapping, Sequence

SERVICE = "serving.kserve.io/inferenceservice"
COMPONENT = "component"
APP = "app"
PROMETHEUS = ("prometheus.kserve.io/port", "prometheus.kserve.io/path")
NEVER = ("app.kubernetes.io/instance", "argocd.argoproj.io/", "helm.sh/", "kubectl.kubernetes.io/")
"""Keys by which tools know what they applied: on a child they would make it theirs, to prune or to compare."""


def app(component: str) -> str:
    """Return the value by which Services and Deployments find a component's pods."""
    return f"isvc.{component}"


def selector(component: str) -> dict[str, str]:
    """Return what selects the pods of a component: KServe's selector."""
    return {APP: app(component)}


def own(service: str, role: str, component: str) -> dict[str, str]:
    """Return the labels that every object of a component has."""
    return {APP: app(component), COMPONENT: role, SERVICE: service}


def passed_on(of_service: Mapping[str, str], allowed: Sequence[str]) -> dict[str, str]:
    """Return the labels or annotations of a service that its pods get: `allowed` keys, or prefixes that end in /."""
    return {
        key: value for key, value in of_service.items() if not covered(key, NEVER) and covered(key, allowed)
    }


def covered(key: str, listed: Sequence[str]) -> bool:
    """Return whether a key is listed, or has a listed prefix that ends in /."""
    return any(key == one or (one.endswith("/") and key.startswith(one)) for one in listed)
