"""Pipelines: one kernel after another; a step without a kernel runs as it is."""

from typing import Any

from kserve_lite_server.engine.kernels import families
from kserve_lite_server.engine.kernels.kernel import FLOAT64, Domain, Kernel, Unavailable


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a pipeline's method."""
    method = qualname.rpartition(".")[2]
    if getattr(estimator, "transform_input", None):
        raise Unavailable("transform_input")
    steps = [step for _, step in estimator.steps if step is not None and not passes(step)]
    if not steps or passes(estimator.steps[-1][1]):
        raise Unavailable("the last step passes its input through")
    kernels = [step_kernel(step, "transform") for step in steps[:-1]] + [step_kernel(steps[-1], method)]
    names = " > ".join(kernel.name for kernel in kernels)
    if all(kernel.name == "scikit-learn" for kernel in kernels):
        raise Unavailable("no step has a kernel")

    def compute(X: Any, each: bool) -> Any:
        for kernel in kernels:
            X = kernel(X, each)
        return X

    batchable = all(kernel.batchable for kernel in kernels)
    first = kernels[0]
    return Kernel(names, compute, first.domain, batchable, first.dtypes, first.frames)


def passes(step: Any) -> bool:
    """Whether a pipeline's step leaves its input as it is."""
    return isinstance(step, str) and step == "passthrough"


def step_kernel(step: Any, method: str, *, plain: bool = False) -> Kernel:
    """Return a step's kernel; where there is none, and with `plain`, scikit-learn's own method as one."""
    try:
        if plain:
            raise Unavailable("scikit-learn was asked for")
        return families.build(step, method)
    except Unavailable:
        answer = getattr(step, method)
        return Kernel(
            "scikit-learn",
            lambda X, each: answer(X),
            Domain.ANY,
            batchable=False,
            dtypes=(FLOAT64,),
            frames=True,
        )
