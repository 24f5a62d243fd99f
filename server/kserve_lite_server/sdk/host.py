"""A process that serves models of one's own: which there are, whether they answer, and running them."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from kserve_lite_server.errors import ServeError
from kserve_lite_server.http.process import Process
from kserve_lite_server.metrics import READY
from kserve_lite_server.sdk.config import PredictorConfig
from kserve_lite_server.sdk.deadline import within
from kserve_lite_server.sdk.errors import refusal
from kserve_lite_server.sdk.forward import forwarded
from kserve_lite_server.sdk.hooks import Hooks
from kserve_lite_server.sdk.model import BaseKServeModel, InferenceModel, InferenceVerb, Model
from kserve_lite_server.sdk.repository import ModelRepository

HEALTH_SECONDS = 3.0


@dataclass(slots=True, kw_only=True)
class Host(Process):
    """The process of a transformer, explainer or predictor."""

    repository: ModelRepository
    predictor: PredictorConfig
    checker: Model | None = None  # asks the predictor for its health
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def model(self, name: str, version: str | None = None) -> InferenceModel:
        """The model that answers for a name. Raises `ServeError`."""
        model = self.repository.get_model(name)
        if model is None:
            raise ServeError("model_not_found", f"Model with name {name} does not exist.")
        if version is not None:
            raise ServeError(
                "version_not_found", f"Model with name {name} has no versions; leave {version} out."
            )
        if not isinstance(model, InferenceModel):
            raise ServeError("not_implemented", f"Model with name {name} does not predict.")
        return model

    async def check(self, name: str, version: str | None = None) -> None:
        """Say whether a model answers. Raises `ServeError` when it does not."""
        self.model(name, version)
        if not await self.repository.is_model_ready(name):
            raise ServeError("model_not_ready", f"Model with name {name} is not ready.", retry_after=5)
        if not await self._predictor_answers(name):
            raise ServeError(
                "model_not_ready",
                f"Model with name {name} is not ready. Reason: its predictor at {self.predictor.predictor_host} is not",
                retry_after=5,
            )

    async def ready(self) -> bool:
        """Whether every model answers, its predictor too when that is asked for, and the process is not going down."""
        names = list(self.repository.get_models())
        if self.draining or not names:
            return False
        answers = [await self.repository.is_model_ready(name) for name in names]
        return all(answers) and await self._predictor_answers(names[0])

    async def run(
        self, model: InferenceModel, body: Any, headers: dict[str, str], verb: InferenceVerb
    ) -> Any:
        """The model's answer to a decoded request, and headers for the reply. Raises `ServeError`."""
        seconds = self.settings.request_timeout
        if not await model.healthy():
            raise ServeError("model_not_ready", f"Model with name {model.name} is not ready.", retry_after=5)
        try:
            with within(seconds):
                async with asyncio.timeout(seconds):
                    answer = await model(body, headers, verb)
        except TimeoutError:
            raise ServeError(
                "deadline_exceeded",
                f"model {model.name} did not answer within the request's time; see --request_timeout",
            ) from None
        except ServeError:
            raise
        except Exception as error:  # of a __call__ of the model's own
            raise refusal(error, model.name, "the call") from error
        return answer if isinstance(answer, tuple) else (answer, {})

    async def types(self, model: InferenceModel) -> dict[str, Any]:
        """The tensors that a model says it takes and gives."""
        hooks = Hooks(model.name)
        return {
            "inputs": await hooks.call(model.get_input_types),
            "outputs": await hooks.call(model.get_output_types),
        }

    async def load(self, name: str) -> None:
        """Load a model by the repository's own way. Raises `ServeError` with its reason."""
        async with self.loading:
            try:
                await Hooks(name).call(self.repository.load, name)
            except Exception as error:
                raise ServeError("model_not_ready", f"model {name} cannot be loaded: {error}") from error
            if not await self.repository.is_model_ready(name):
                raise ServeError("model_not_ready", f"model {name} was loaded and is not ready")
            READY.labels(name).set(1)

    async def unload(self, name: str) -> None:
        """Stop a model and forget it. Raises `ServeError`."""
        self.model(name)
        async with self.loading:
            await Hooks(name).call(self.repository.unload, name)
        READY.labels(name).set(0)

    def states(self) -> tuple[bool, dict[str, bool]]:
        """For gRPC's health service: whether the server is ready, and each model."""
        models = {
            name: model.ready and not self.draining for name, model in self.repository.get_models().items()
        }
        return bool(models) and all(models.values()), models

    async def _predictor_answers(self, name: str) -> bool:
        config = self.predictor
        if not config.predictor_health_check or not config.predictor_host or self.checker is None:
            return True
        with within(HEALTH_SECONDS):
            if config.protocol == "grpc-v2":
                return bool(await self.checker._grpc_client.is_model_ready(name))
            return await self.checker._http_client.is_model_ready(
                config.predictor_base_url, name, forwarded(None)
            )


def begin(model: BaseKServeModel, host: Host) -> None:
    """Set a model up for serving in this process."""
    if isinstance(model, Model):
        model.hooks.configure(host.settings.threads, host.settings.max_queue_size)
        model.enable_latency_logging = host.settings.enable_latency_logging
    model.start()
    READY.labels(model.name).set(int(model.ready))
