"""Rules about containers and pods."""

from typing import Any

from kserve_lite.api.container import PodFields, WithEnvironment
from kserve_lite.api.inferenceservice import ComponentPod, Predictor
from kserve_lite.api.marks import Rule
from kserve_lite.api.rules.match import cel_no_variable, named

CONTAINER = "kserve-container"
BESIDE = "transformer-container"
OWN_LABELS = ("app", "component", "serving.kserve.io/inferenceservice")


def clean(containers: Any, variable: str) -> bool:
    """Return whether no container has the environment variable."""
    return not any(named(container.get("env"), variable) for container in containers or ())


def all_clean(containers: str, variable: str) -> str:
    """CEL of `clean`."""
    return f"(!has({containers}) || {containers}.all(c, {cel_no_variable('c.env', variable)}))"


def protocol_known(predictor: Predictor) -> bool:
    """Return whether the custom server's PROTOCOL is one that can be asked."""
    containers = predictor.pod.get("containers", [])
    return all(
        variable.get("name") != "PROTOCOL" or variable.get("value") in ("v1", "v2")
        for container in containers
        if container["name"] == CONTAINER or len(containers) == 1
        for variable in container.get("env", ())
    )


RULES = (
    # I3, twice: of the one container of a model, and of the containers of a pod.
    Rule(
        id="pythonpath",
        on=WithEnvironment,
        cel=cel_no_variable("self.env", "PYTHONPATH"),
        message="PYTHONPATH must not be set",
        remedy="put packages into the image",
        holds=lambda container: not named(container.env, "PYTHONPATH"),
        field=".env",
    ),
    Rule(
        id="pythonpath",
        on=PodFields,
        cel=f"{all_clean('self.containers', 'PYTHONPATH')} && {all_clean('self.initContainers', 'PYTHONPATH')}",
        message="PYTHONPATH must not be set",
        remedy="put packages into the image",
        holds=lambda pod: clean(pod.containers, "PYTHONPATH") and clean(pod.init_containers, "PYTHONPATH"),
    ),
    # I7
    Rule(
        id="transformer_storage",
        on=Predictor,
        cel=(
            f"!has(self.containers) || self.containers.all(c, c.name != '{BESIDE}' || "
            f"{cel_no_variable('c.env', 'STORAGE_URI')})"
        ),
        message=f"{BESIDE} must not set STORAGE_URI",
        remedy="set it on kserve-container; both containers see the same files",
        holds=lambda predictor: all(
            container["name"] != BESIDE or not named(container.get("env"), "STORAGE_URI")
            for container in predictor.containers or ()
        ),
        field=".containers",
    ),
    # I8
    Rule(
        id="custom_protocol",
        on=Predictor,
        cel=(
            "!has(self.containers) || self.containers.all(c, "
            f"(c.name != '{CONTAINER}' && size(self.containers) != 1) || !has(c.env) || "
            "c.env.all(e, e.name != 'PROTOCOL' || (has(e.value) && e.value in ['v1', 'v2'])))"
        ),
        message="PROTOCOL of a custom server must be v1 or v2",
        remedy="write one of them as `value`",
        holds=protocol_known,
        field=".containers",
    ),
    Rule(
        id="restart_policy",
        on=PodFields,
        cel="!has(self.restartPolicy) || self.restartPolicy == 'Always'",
        message="restartPolicy must be Always: the pods belong to a Deployment",
        remedy="remove it",
        holds=lambda pod: pod.restart_policy in (None, "Always"),
        field=".restartPolicy",
    ),
    Rule(
        id="reserved_label",
        on=ComponentPod,
        cel=f"!has(self.labels) || [{', '.join(map(repr, OWN_LABELS))}].all(key, !(key in self.labels))",
        message=f"the labels {', '.join(OWN_LABELS)} are set by kserve-lite: Services find pods by them",
        remedy="use another key",
        holds=lambda component: not any(key in (component.labels or {}) for key in OWN_LABELS),
        field=".labels",
    ),
)
