"""Which family builds the kernel of a method: found from the scikit-learn module that defines the method."""

from importlib import import_module
from typing import Any

from kserve_lite_server.engine.kernels.kernel import Kernel, Unavailable

# Package of scikit-learn -> our module.
FAMILIES = {
    "cluster": "clusters",
    "decomposition": "projections",
    "discriminant_analysis": "linear",
    "ensemble": "ensembles",
    "impute": "imputers",
    "linear_model": "linear",
    "model_selection": "search",
    "naive_bayes": "bayes",
    "neighbors": "neighbors",
    "neural_network": "neural",
    "pipeline": "pipelines",
    "preprocessing": "preprocessing",
    "svm": "svm",
    "tree": "trees",
}


def build(estimator: Any, method: str) -> Kernel:
    """Return the kernel for one method of a fitted estimator; raises `Unavailable` where there is none."""
    if not type(estimator).__module__.startswith("sklearn."):
        raise Unavailable(f"{type(estimator).__name__} is not a class of scikit-learn's own")
    function = getattr(type(estimator), method, None)
    package = getattr(function, "__module__", "sklearn.").split(".")[1]
    kernel: Kernel | None = None
    if package in FAMILIES:
        module = import_module(f"kserve_lite_server.engine.kernels.{FAMILIES[package]}")
        kernel = module.build(estimator, getattr(function, "__qualname__", ""))
    if kernel is None:
        raise Unavailable(f"no kernel for {type(estimator).__name__}.{method}")
    return kernel
