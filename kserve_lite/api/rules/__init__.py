"""Validation as data: each rule once, with its CEL for the API server and the same predicate for everyone else."""

from kserve_lite.api.marks import Rule
from kserve_lite.api.rules import (
    inferencegraph,
    inferenceservice,
    metadata,
    pods,
    scaling,
    servingruntime,
    storagecontainer,
    trainedmodel,
)
from kserve_lite.api.rules.judge import violations

RULES: tuple[Rule, ...] = (
    *metadata.RULES,
    *inferenceservice.RULES,
    *pods.RULES,
    *scaling.RULES,
    *servingruntime.RULES,
    *inferencegraph.RULES,
    *trainedmodel.RULES,
    *storagecontainer.RULES,
)

__all__ = ["RULES", "violations"]
