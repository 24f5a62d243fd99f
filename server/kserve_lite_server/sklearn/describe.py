"""A model's own description: what it takes, what it gives, where it comes from."""

import platform
from typing import Any

import numpy as np
import sklearn

from kserve_lite_server.errors import ServeError
from kserve_lite_server.protocol.call import Call, Columns
from kserve_lite_server.protocol.inference import CLASSES, own_outputs, parts
from kserve_lite_server.protocol.tensors import Tensor, from_result
from kserve_lite_server.sklearn.model import Model
from kserve_lite_server.sklearn.sample import sample_row

RAW_INPUT = "input-0"


def describe(model: Model) -> dict[str, Any]:
    """The model's V2 metadata; `parameters` holds what the protocol has no field for."""
    if model.description is None:
        model.description = {
            "name": model.name,
            "versions": [model.version],
            "platform": "sklearn",
            "inputs": _inputs(model),
            "outputs": _outputs(model),
            "parameters": _parameters(model),
        }
    return model.description


def _inputs(model: Model) -> list[dict[str, Any]]:
    sample = sample_row(model.estimator, model.signature)
    if isinstance(sample, Columns):
        tensors = [from_result(name, array) for name, array in sample.arrays.items()]
        return [{**_metadata(tensor), "parameters": {"content_type": "pd"}} for tensor in tensors]
    if sample is None:
        return [{"name": RAW_INPUT, "datatype": "FP64", "shape": [-1, -1]}]
    return [_metadata(from_result(RAW_INPUT, sample))]


def _outputs(model: Model) -> list[dict[str, Any]]:
    """The model's own outputs, then one for each other method, as one sample row shows them."""
    sample = sample_row(model.estimator, model.signature)
    tensors: list[Tensor] = []
    for name in sorted(model.signature.methods, key=lambda method: method != model.method):
        try:
            result = model.answer(Call(sample, (name,)))[name] if sample is not None else None
        except ServeError:
            result = None
        if result is not None:
            named = (
                own_outputs(result).values() if name == model.method else dict(parts(name, result)).values()
            )
            tensors.extend(named)
    outputs = [_metadata(tensor) for tensor in tensors]
    if not outputs:
        outputs.append({"name": "output-0", "datatype": "FP64", "shape": [-1]})
    return outputs


def _metadata(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": [-1, *tensor.array.shape[1:]]}


def _parameters(model: Model) -> dict[str, Any]:
    signature = model.signature
    classes = signature.classes
    if isinstance(classes, list):
        classes = [part.tolist() for part in classes]
    elif isinstance(classes, np.ndarray):
        classes = classes.tolist()
    return {
        "estimator": type(model.estimator).__name__,
        "method": model.method,
        "methods": list(signature.methods),
        "kernels": model.plan.describe(),
        "feature_names": None if signature.features is None else list(signature.features),
        CLASSES: classes,
        "sklearn_version": sklearn.__version__,
        "fitted_with_sklearn": model.sklearn_version,
        "python_version": platform.python_version(),
        "file": model.path.name,
        "sample_request": _sample_request(model),
    }


def _sample_request(model: Model) -> dict[str, Any] | None:
    """A V1 request that the model answers; None when it is not known what it takes."""
    sample = sample_row(model.estimator, model.signature)
    if sample is None:
        return None
    if isinstance(sample, Columns):
        return {"instances": [{name: array.tolist()[0] for name, array in sample.arrays.items()}]}
    return {"instances": sample.tolist()}
