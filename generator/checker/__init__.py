"""Whether an API server would take a CRD: apiextensions' own rules and the ones that keep GitOps quiet.

Each finding carries the id of its rule, so that a test can provoke every single one.
"""

from typing import Any

from generator.checker.cel import check_rules
from generator.checker.defaults import check_defaults
from generator.checker.drift import check_drift
from generator.checker.finding import Finding
from generator.checker.registration import check_registration
from generator.checker.shape import check_shape
from generator.checker.topology import check_topology

__all__ = ["Finding", "check"]


def check(crd: dict[str, Any]) -> list[Finding]:
    """Return everything that is wrong with `crd`; an empty list means that a plain `kubectl apply` works."""
    findings = [*check_registration(crd), *check_drift(crd)]
    for version in crd.get("spec", {}).get("versions", []):
        schema = version.get("schema", {}).get("openAPIV3Schema")
        if isinstance(schema, dict):
            for judge in (check_shape, check_topology, check_defaults, check_rules):
                findings += judge(schema)
    return findings
