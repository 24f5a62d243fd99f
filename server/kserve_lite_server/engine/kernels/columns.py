"""Tables: a ColumnTransformer and the steps behind it, computed from columns without making a data frame.

Making the frame and picking it apart again costs milliseconds a request, whatever the model. Here each block of columns
becomes its part of the matrix directly: numbers by the kernels of their steps, words by a look into the encoder's
categories. What is not certainly alike (an unknown word that must be refused, a value of another type) is left to
scikit-learn and a real frame.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kserve_lite_server.engine.kernels import encoders, pipelines
from kserve_lite_server.engine.kernels.kernel import Kernel, Outside, Unavailable

Arrays = Mapping[str, NDArray[Any]]
LARGEST = 1 << 22  # cells of a matrix that is made dense on the way
NUMBERS = (np.dtype(np.float64), np.dtype(np.int64))


@dataclass(frozen=True, slots=True)
class Table:
    """One method of a model that begins with a ColumnTransformer: columns in, the method's answer out.

    `known` has values of the columns that hold words; `numeric` names those that hold numbers.
    """

    name: str
    compute: Callable[[Arrays, bool], Any]
    batchable: bool
    known: Mapping[str, Sequence[Any]]
    numeric: tuple[str, ...]

    def __call__(self, arrays: Arrays, each: bool = False) -> Any:
        """Compute, or raise `Outside`: then the estimator answers, or refuses in its own words."""
        try:
            return self.compute(arrays, each)
        except Exception as error:
            raise Outside from error


def build(estimator: Any, method: str, *, plain: bool = False) -> Table:
    """Return the table of a method; with `plain`, scikit-learn runs the steps behind the ColumnTransformer.

    Raises `Unavailable` where the estimator does not begin with a ColumnTransformer that is understood.
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    transformer, *rest = [step for step in steps if step is not None and not pipelines.passes(step)]
    if type(transformer).__name__ != "ColumnTransformer" or not hasattr(transformer, "feature_names_in_"):
        raise Unavailable("the first step does not take columns by name")
    if transformer.transformer_weights or hasattr(transformer, "_sklearn_output_config"):
        raise Unavailable("a ColumnTransformer with weights or set_output")
    blocks = [_block(step, columns) for step, columns in _parts(transformer)]
    kernels = [pipelines.step_kernel(step, "transform", plain=plain) for step in rest[:-1]]
    kernels += [pipelines.step_kernel(rest[-1], method, plain=plain)] if rest else []
    stack = _sparse if transformer.sparse_output_ else _dense

    def compute(arrays: Arrays, each: bool) -> Any:
        X = stack([block.of(arrays) for block in blocks])
        for kernel in kernels:
            if sparse.issparse(X) and not np.isfinite(X.data).all():
                raise Outside
            X = kernel(X, each)
        return X

    return Table(
        " > ".join(["columns", *(kernel.name for kernel in kernels)]),
        compute,
        all(kernel.batchable for kernel in kernels) and all(block.batchable for block in blocks),
        {name: values for block in blocks for name, values in block.known.items()},
        tuple(name for block in blocks for name in block.numeric),
    )


@dataclass(frozen=True, slots=True)
class _Block:
    """Some columns' part of the matrix: an array of shape (rows, width), or codes of one-hot columns."""

    of: Callable[[Arrays], Any]
    known: Mapping[str, Sequence[Any]]
    numeric: tuple[str, ...] = ()
    batchable: bool = True


def _parts(transformer: Any) -> list[tuple[Any, list[str]]]:
    names = transformer.feature_names_in_
    chosen = transformer._transformer_to_input_indices
    parts = [
        (step, [str(name) for name in names[chosen[name]]])
        for name, step, columns in transformer.transformers_
        if not (isinstance(step, str) and step == "drop") and len(chosen[name])
    ]
    if any(isinstance(columns, str) for _, _, columns in transformer.transformers_):
        raise Unavailable("a column that is taken as a series")
    return parts


def _block(step: Any, names: list[str]) -> _Block:
    steps = [part for _, part in getattr(step, "steps", [("", step)])]
    steps = [part for part in steps if part is not None and not pipelines.passes(part)]
    if steps and encoders.reads_words(steps[-1]):
        known, encode = encoders.build(steps, names)
        return _Block(encode, known)
    kernels: list[Kernel] = [pipelines.step_kernel(part, "transform") for part in steps]

    def numbers(arrays: Arrays) -> Any:
        X = _matrix(arrays, names)
        for kernel in kernels:
            X = kernel(X, False)
        return X

    # Rows of a matrix product depend on their neighbours; those of everything else that is a kernel do not.
    alone = all(kernel.name in ("scaler", "imputer", "threshold", "identity") for kernel in kernels)
    return _Block(numbers, {}, tuple(names), alone)


def _matrix(arrays: Arrays, names: Sequence[str]) -> NDArray[np.float64]:
    columns = [arrays[name] for name in names]
    X = np.empty((len(columns[0]), len(columns)))
    for number, column in enumerate(columns):
        if column.dtype not in NUMBERS:
            raise Outside
        X[:, number] = column
    return X


def _dense(blocks: list[Any]) -> NDArray[Any]:
    rows = len(blocks[0])
    widths = [encoders.width(block) for block in blocks]
    if rows * sum(widths) > LARGEST:
        raise Outside
    X = np.zeros((rows, sum(widths)))
    begin = 0
    for block, width in zip(blocks, widths, strict=True):
        encoders.put(block, X[:, begin : begin + width])
        begin += width
    return X


def _sparse(blocks: list[Any]) -> Any:
    """Entries row by row, columns ascending and without zeros: the order in which products are summed."""
    X = _dense(blocks)
    rows, columns = X.nonzero()
    ends = np.zeros(len(X) + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=len(X)), out=ends[1:])
    return sparse.csr_matrix((X[rows, columns], columns.astype(np.int32), ends), X.shape)
