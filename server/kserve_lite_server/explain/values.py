"""What the predictor says of many rows, as numbers: probabilities where it has them, else predictions."""

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.explain.table import Table
from kserve_lite_server.sdk.messages import InferRequest, InferResponse, RequestedOutput
from kserve_lite_server.sdk.steps import StepError
from kserve_lite_server.sdk.tensors import InferInput, datatype_of

Ask = Callable[[Any], Awaitable[Any]]
PROBABILITIES = "predict_proba"
CHUNK = 2000  # rows in one request to the predictor


class Oracle:
    """Asks the predictor over V1 or V2; finds out once whether it has probabilities."""

    def __init__(self, model: str, protocol: str, ask: Ask, *, probabilities: bool = True) -> None:
        """`probabilities` says whether to ask for them first; afterwards, whether there are some."""
        self._model = model
        self._version2 = protocol != "v1"
        self._ask = ask
        self.probabilities = probabilities and self._version2
        self.classes: list[Any] | None = None

    async def values(self, table: Table) -> np.ndarray:
        """One row of numbers or of labels for each row of the table: shape (rows, outputs)."""
        parts = [
            await self._part(Table(table.rows[begin : begin + CHUNK], table.names))
            for begin in range(0, len(table.rows), CHUNK)
        ]
        return np.concatenate(parts)

    @property
    def method(self) -> str:
        """What the values are: the predictor's method."""
        return PROBABILITIES if self.probabilities else "predict"

    async def _part(self, table: Table) -> np.ndarray:
        if not self._version2:
            answer = await self._ask({"instances": instances(table)})
            if not isinstance(answer, dict) or "predictions" not in answer:
                raise ServeError("step_broken", "the predictor's answer has no predictions")
            return _two_dimensional(np.array(answer["predictions"]))
        if self.probabilities:
            try:
                wanted = [RequestedOutput(PROBABILITIES), RequestedOutput("classes")]
                answer = await self._ask(request(self._model, table, wanted))
                labels = answer.get_output_by_name("classes")
                self.classes = None if labels is None else labels.as_numpy().reshape(-1).tolist()
                return _tensor(answer, PROBABILITIES)
            except StepError as error:
                if error.status != 400 or not _has_no_such_output(error):
                    raise
                self.probabilities = False
        return _tensor(await self._ask(request(self._model, table, None)), None)


def instances(table: Table) -> list[Any]:
    """Rows as V1 has them."""
    rows: list[Any] = table.rows.tolist()
    return rows if table.names is None else [dict(zip(table.names, row, strict=True)) for row in rows]


def request(model: str, table: Table, outputs: list[RequestedOutput] | None) -> InferRequest:
    """Rows as V2 has them: one tensor, or one a feature where they have names."""
    if table.names is None:
        if table.rows.dtype == object:
            raise invalid("rows of numbers and texts need names: send objects, one value a feature")
        tensors = [_input("rows", table.rows.astype(float))]
    else:
        tensors = [_input(name, _column(table.rows[:, index])) for index, name in enumerate(table.names)]
    named = {"content_type": "pd"} if table.names else None
    return InferRequest(model, tensors, parameters=named, request_outputs=outputs)


def _input(name: str, array: np.ndarray) -> InferInput:
    tensor = InferInput(name, array.shape, datatype_of(array.dtype))
    tensor.set_data_from_numpy(array, binary_data=True)
    return tensor


def _column(values: np.ndarray) -> np.ndarray:
    """Numbers as numbers, everything else as text."""
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        numbers: np.ndarray = values.astype(float)
        return numbers
    return np.array([str(value) for value in values], dtype=object)


def _tensor(answer: Any, name: str | None) -> np.ndarray:
    if not isinstance(answer, InferResponse) or not answer.outputs:
        raise ServeError("step_broken", "the predictor's answer has no outputs")
    output = answer.outputs[0] if name is None else answer.get_output_by_name(name)
    if output is None:
        raise invalid("a model of several outputs is not explained by its probabilities")
    return _two_dimensional(output.as_numpy())


def _two_dimensional(array: np.ndarray) -> np.ndarray:
    if array.ndim == 1:
        return array[:, None]
    if array.ndim != 2:
        raise invalid(
            f"the predictor answers with shape {list(array.shape)}; one or several numbers a row are explained"
        )
    return array


def _has_no_such_output(error: StepError) -> bool:
    """Whether a predictor refuses for having no probabilities, in our words or KServe's."""
    said = error.message.lower()
    return "output" in said or PROBABILITIES in said
