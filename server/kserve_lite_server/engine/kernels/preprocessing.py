"""Scalers: their arithmetic, number by number."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kserve_lite_server.engine.kernels.kernel import FLOAT64, NUMBERS, Domain, Kernel, Unavailable


def build(estimator: Any, qualname: str) -> Kernel | None:
    """Return the kernel of a method that scikit-learn's scalers define."""
    maker = MAKERS.get(qualname)
    return maker(estimator) if maker else None


def _standard(model: Any) -> Kernel:
    mean = model.mean_ if model.with_mean else None
    return Kernel(
        "scaler",
        _shift_and_divide(mean, model.scale_ if model.with_std else None),
        Domain.NAN,
        dtypes=NUMBERS,
    )


def _robust(model: Any) -> Kernel:
    center = model.center_ if model.with_centering else None
    return Kernel(
        "scaler",
        _shift_and_divide(center, model.scale_ if model.with_scaling else None),
        Domain.NAN,
        dtypes=NUMBERS,
    )


def _max_abs(model: Any) -> Kernel:
    if getattr(model, "clip", False):
        raise Unavailable("clip")
    return Kernel("scaler", _shift_and_divide(None, model.scale_), Domain.NAN, dtypes=NUMBERS)


def _shift_and_divide(shift: Any, scale: Any) -> Any:
    def transform(X: NDArray[Any], each: bool) -> Any:
        result = X.copy() if shift is None else X - shift
        if scale is not None:
            result /= scale
        return result

    return transform


def _min_max(model: Any) -> Kernel:
    scale, offset = model.scale_, model.min_
    low, high = model.feature_range if model.clip else (None, None)

    def transform(X: NDArray[Any], each: bool) -> Any:
        result = X * scale
        result += offset
        return np.clip(result, low, high, out=result) if low is not None else result

    return Kernel("scaler", transform, Domain.NAN, dtypes=NUMBERS)


def _binarizer(model: Any) -> Kernel:
    threshold = model.threshold
    return Kernel("threshold", lambda X, each: (threshold < X).astype(X.dtype), dtypes=(FLOAT64,))


def _identity(model: Any) -> Kernel:
    if model.func is not None or model.validate:
        raise Unavailable("a function of the user")
    return Kernel("identity", lambda X, each: X, Domain.ANY, dtypes=(FLOAT64,), frames=True)


MAKERS = {
    "StandardScaler.transform": _standard,
    "RobustScaler.transform": _robust,
    "MaxAbsScaler.transform": _max_abs,
    "MinMaxScaler.transform": _min_max,
    "Binarizer.transform": _binarizer,
    "FunctionTransformer.transform": _identity,
}
