"""Names, hosts and URLs of a service: KServe's Standard mode, plus a Service called as the InferenceService itself."""

import re
from urllib.parse import quote

DOMAIN = "example.com"
TEMPLATE = "{name}-{namespace}.{domain}"
CLUSTER = "svc.cluster.local"
_PLACES = re.compile(r"\{name\}|\{namespace\}|\{domain\}")


def component_name(service: str, role: str, own: str | None = None) -> str:
    """Return the name of a component's Deployment and Service; `own` is `predictor.name`."""
    return f"{service}-{own}-{role}" if own else f"{service}-{role}"


def outside_host(name: str, namespace: str, domain: str = DOMAIN, template: str = TEMPLATE) -> str:
    """Return the host at which an ingress serves the name; the template is KServe's default."""
    parts = {"{name}": name, "{namespace}": namespace, "{domain}": domain}
    return _PLACES.sub(lambda match: parts[match[0]], template)


def inside_hosts(name: str, namespace: str) -> tuple[str, ...]:
    """Return the names of a Service in cluster DNS, the full one first."""
    return (f"{name}.{namespace}.{CLUSTER}", f"{name}.{namespace}.svc", f"{name}.{namespace}")


def all_hosts(
    service: str,
    namespace: str,
    components: tuple[str, ...],
    domain: str = DOMAIN,
    template: str = TEMPLATE,
) -> tuple[str, ...]:
    """Return every host that leads to the service, in and outside the cluster, the full cluster name first."""
    names = (service, *components)
    inside = (host for name in names for host in inside_hosts(name, namespace))
    outside = (outside_host(name, namespace, domain, template) for name in names)
    return (*inside, *outside, service)


def ready_path(model: str, protocol: str) -> str:
    """Return the path that says whether the model answers: what a probe asks."""
    name = quote(model, safe="")
    return f"/v1/models/{name}" if protocol.endswith("v1") else f"/v2/models/{name}/ready"
