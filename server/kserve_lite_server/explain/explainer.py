"""The explainer that needs no code: permutation, over V1 and V2."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kserve_lite_server.errors import ServeError, StartError, invalid
from kserve_lite_server.explain import shapley, table
from kserve_lite_server.explain.table import Table
from kserve_lite_server.explain.values import Oracle
from kserve_lite_server.sdk.messages import InferRequest, InferResponse
from kserve_lite_server.sdk.model import Model
from kserve_lite_server.sdk.tensors import InferOutput, datatype_of, plain


class SettingsError(StartError):
    """A setting of the explainer is not one that it has."""

    code = "explainer_settings_invalid"


@dataclass(frozen=True)
class Settings:
    """`explainer.config`: pairs of walks a row, the seed of the draw, and how many rows a request may have."""

    samples: int = 16
    seed: int = 0
    max_rows: int = 50

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Settings":
        """Read settings. Raises `SettingsError` naming the one that is wrong."""
        known = cls.__dataclass_fields__
        for name, text in given.items():
            if name not in known:
                raise SettingsError(f"config.{name} is not known; known are {', '.join(known)}")
            if not text.isdecimal() or (name != "seed" and int(text) < 1) or int(text) > 10_000:
                raise SettingsError(f"config.{name} is {text!r}; it must be a whole number up to 10000")
        return cls(**{name: int(text) for name, text in given.items()})


@dataclass(frozen=True)
class Explained:
    """One row explained: the shares add up to `value - base`. `label` is the class, or None for a number."""

    value: float
    base: float
    shares: np.ndarray
    label: Any = None


class Permutation(Model):
    """Explains the predictor of an InferenceService."""

    def __init__(self, name: str, settings: Settings, background: Path | None = None) -> None:
        """`background` is a folder with background.csv, .json or .npy."""
        super().__init__(name)
        self._settings = settings
        self._folder = background
        self._background: Table | None = None
        self._probabilities = True

    def load(self) -> bool:
        """Read the background rows. Raises `ServeError` naming the file that is wrong."""
        if self._folder is not None:
            self._background = table.read_folder(self._folder)
            if self._background is None:
                names = " or ".join(table.FILES)
                raise ServeError(
                    "model_file_missing",
                    f"{self._folder} holds no {names}; put some rows of the training data there",
                )
        return super().load()

    async def explain(self, payload: Any, headers: Any = None) -> Any:
        """V1: `{"explanations": […]}`. V2: the tensors attributions, value and base."""
        if isinstance(payload, InferRequest):
            rows, given = _of_tensors(payload), None
        else:
            rows, given = _of_dict(payload)
        explained, method = await self._explained(rows, given, headers)
        names = rows.names or tuple(f"feature_{index}" for index in range(rows.rows.shape[1]))
        if isinstance(payload, InferRequest):
            return response(payload, self.name, explained, names)
        return {
            "explanations": [
                {
                    **({} if one.label is None else {"class": one.label}),
                    "value": one.value,
                    "base": one.base,
                    "attributions": dict(zip(names, one.shares.tolist(), strict=True)),
                }
                for one in explained
            ],
            "method": {"type": "permutation", "of": method, "samples": self._settings.samples},
        }

    async def _explained(self, rows: Table, given: Table | None, headers: Any) -> tuple[list[Explained], str]:
        if len(rows.rows) > self._settings.max_rows:
            raise invalid(
                f"{len(rows.rows)} rows in one request; at most {self._settings.max_rows} are explained, "
                "see the explainer's config.max_rows"
            )
        background = self._against(rows, given)
        oracle = self._oracle(headers)
        random = np.random.default_rng(self._settings.seed)
        walks = [
            shapley.plan(row, background.rows, self._settings.samples, random)
            for row in _typed(rows, background)
        ]
        asked = np.concatenate([one.rows.reshape(-1, rows.rows.shape[1]) for one in walks])
        said = await oracle.values(Table(asked, rows.names))
        self._probabilities = oracle.probabilities
        parts = np.split(said, len(walks))
        explained = [_row(one, values, oracle.classes) for one, values in zip(walks, parts, strict=True)]
        return explained, oracle.method

    def _oracle(self, headers: Any) -> Oracle:
        config = self.predictor_config
        protocol = config.protocol if config else "v1"

        async def ask(payload: Any) -> Any:
            return await self.predict(payload, headers)

        return Oracle(self.name, protocol, ask, probabilities=self._probabilities)

    def _against(self, rows: Table, given: Table | None) -> Table:
        """The background: of the request, of the folder, or the other rows of the request."""
        if given is not None:
            return given.like(rows, "the request's background")
        if self._background is not None:
            return self._background.like(rows, "the background")
        if len(rows.rows) < 2:
            raise invalid(
                "there is nothing to compare one row with: send several rows, "
                'or background rows under "parameters".background, or give the explainer some by storageUris'
            )
        return rows


def response(
    asked: InferRequest, model: str, explained: list[Explained], names: tuple[str, ...]
) -> InferResponse:
    """The explanation as tensors: attributions [rows, features], value and base [rows], features, and class."""
    arrays: dict[str, np.ndarray] = {
        "attributions": np.stack([one.shares for one in explained]),
        "value": np.array([one.value for one in explained]),
        "base": np.array([one.base for one in explained]),
        "features": np.array(names, dtype=object),
    }
    if explained[0].label is not None:
        arrays["class"] = np.array([str(one.label) for one in explained], dtype=object)
    outputs = []
    for name, array in arrays.items():
        output = InferOutput(name, array.shape, datatype_of(array.dtype))
        output.set_data_from_numpy(array, binary_data=False)
        outputs.append(output)
    return InferResponse(
        asked.id,
        model,
        outputs,
        use_binary_outputs=asked.use_binary_outputs,
        requested_outputs=asked.request_outputs,
    )


def _row(walks: shapley.Walks, said: np.ndarray, classes: list[Any] | None) -> Explained:
    """Explain one row by what the model said of its walks: the output that is largest at the row itself."""
    steps = walks.rows.shape[1]
    label: Any = None
    if said.dtype.kind not in "biuf":
        label = said[steps - 1, 0]
        numbers = (said[:, 0] == label).astype(float)
    else:
        output = int(np.argmax(said[steps - 1])) if said.shape[1] > 1 else 0
        numbers = said[:, output].astype(float)
        if said.shape[1] > 1:
            label = output if classes is None else classes[output]
    found, base, value = shapley.shares(walks, numbers.reshape(-1, steps))
    return Explained(value, base, found, label.decode() if isinstance(label, bytes) else label)


def _typed(rows: Table, background: Table) -> np.ndarray:
    """The rows to explain, in the type of the background that they are mixed with."""
    return rows.rows.astype(background.rows.dtype) if background.rows.dtype == object else rows.rows


def _of_dict(payload: Any) -> tuple[Table, Table | None]:
    key = next((key for key in ("instances", "inputs") if isinstance(payload, dict) and key in payload), None)
    if key is None:
        raise invalid('the request needs "instances" (or "inputs"): a list of rows or an object of columns')
    parameters = payload.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise invalid('"parameters" must be an object')
    background = parameters.get("background")
    return table.read(payload[key], key), (
        None if background is None else table.read(background, "parameters.background")
    )


def _of_tensors(payload: InferRequest) -> Table:
    """One tensor of rows, or one column a tensor."""
    arrays = [(tensor.name, tensor.as_numpy()) for tensor in payload.inputs]
    if len(arrays) == 1 and plain(payload.parameters).get("content_type") != "pd":
        name, rows = arrays[0]
        if rows.ndim != 2:
            raise invalid(
                f"tensor {name!r} has shape {list(rows.shape)}; rows of features have two dimensions"
            )
        return Table(rows)
    return table.read({name: column.reshape(-1).tolist() for name, column in arrays}, "inputs")
