"""The class that transformers, explainers and predictors of one's own are made from, as KServe has it."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from enum import Enum
from typing import Any

from kserve_lite_server.errors import ServeError
from kserve_lite_server.sdk.config import PredictorConfig, predictor
from kserve_lite_server.sdk.errors import InvalidInput
from kserve_lite_server.sdk.forward import explainer_host, forwarded
from kserve_lite_server.sdk.hooks import Hooks
from kserve_lite_server.sdk.messages import InferRequest, InferResponse
from kserve_lite_server.sdk.rest_client import InferenceRESTClient, RESTConfig
from kserve_lite_server.sdk.steps import StepError

Payload = dict[str, Any] | InferRequest
Result = dict[str, Any] | InferResponse | str | bytes | AsyncIterator[Any]
Headers = dict[str, str] | None


class InferenceVerb(Enum):
    """What a request wants of a model."""

    EXPLAIN = 1
    PREDICT = 2


class BaseKServeModel(ABC):
    """A name and its life: loaded, ready, stopped."""

    @abstractmethod
    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = False
        self.engine = False

    async def healthy(self) -> bool:
        """Whether the model answers: what readiness asks."""
        return self.ready

    def load(self) -> bool:
        """Load what the model needs and set `ready`; called by whoever makes the model, and to load it again."""
        self.ready = True
        return self.ready

    def start(self) -> None:
        """Begin to serve: called once, when the server starts."""
        self.ready = True

    async def start_engine(self) -> None:
        """Start what runs beside the model, when `engine` is set."""
        self.ready = True

    def stop(self) -> None:
        """End: called when the model is unloaded."""
        self.ready = False

    def stop_engine(self) -> None:
        """End what runs beside the model, when `engine` is set."""
        self.ready = False


class InferenceModel(BaseKServeModel):
    """A model that says what it takes and gives."""

    @abstractmethod
    async def __call__(
        self, body: Any, headers: Headers = None, verb: InferenceVerb = InferenceVerb.PREDICT
    ) -> tuple[Any, dict[str, str]]:
        """Answer one request: the result, and headers for the reply."""

    def get_input_types(self) -> list[dict[str, Any]]:
        """The tensors it takes, as V2 metadata has them: name, datatype, shape."""
        return []

    def get_output_types(self) -> list[dict[str, Any]]:
        """The tensors it gives."""
        return []


class Model(InferenceModel):
    """Override `preprocess`, `predict`, `explain`, `postprocess`, `load`: each plain or async.

    A request runs preprocess, then predict (or explain), then postprocess. Payloads are dicts over V1 and
    `InferRequest`/`InferResponse` over V2. `predict` asks the predictor unless it is overridden.
    """

    def __init__(self, name: str, return_response_headers: bool = False) -> None:
        """With `return_response_headers`, predict and postprocess get a third argument: a dict for reply headers."""
        super().__init__(name)
        self.explainer_host: str | None = None
        self.enable_latency_logging = False
        self.required_response_headers = return_response_headers
        self.hooks = Hooks(name)
        self._rest: dict[str, InferenceRESTClient] = {}
        self._grpc: Any = None
        self._explainer: InferenceRESTClient | None = None

    @property
    def predictor_config(self) -> PredictorConfig | None:
        """Where the predictor is, as flags say."""
        return predictor()

    async def __call__(
        self, body: Any, headers: Headers = None, verb: InferenceVerb = InferenceVerb.PREDICT
    ) -> tuple[Any, dict[str, str]]:
        """Run the hooks on a decoded request.

        An explanation that another step gives passes by them, as it does where a route leads straight to the explainer.
        """
        if verb is InferenceVerb.EXPLAIN and type(self).explain is Model.explain:
            return await self.hooks.run("explain", self.explain, body, headers), {}
        reply_headers: dict[str, str] = {}
        more = (reply_headers,) if self.required_response_headers else ()
        payload = self.validate(await self.hooks.run("preprocess", self.preprocess, body, headers))
        if verb is InferenceVerb.EXPLAIN:
            result = await self.hooks.run("explain", self.explain, payload, headers)
        else:
            result = await self.hooks.run("predict", self.predict, payload, headers, *more)
        return await self.hooks.run("postprocess", self.postprocess, result, headers, *more), reply_headers

    def validate(self, payload: Any) -> Any:
        """Look at what preprocess made of a request. Raises `InvalidInput`."""
        config = self.predictor_config
        if isinstance(payload, dict) and config is not None and config.predictor_host:
            field = "inputs" if config.protocol == "v2" else "instances"
            if not isinstance(payload.get(field, []), list):
                raise InvalidInput(f'Expected "{field}" to be a list')
        return payload

    async def preprocess(self, payload: Any, headers: Any = None) -> Any:
        """Change a request before it is predicted; as it came unless overridden."""
        return payload

    async def postprocess(self, result: Any, headers: Any = None, response_headers: Any = None) -> Any:
        """Change a result before it is sent; as it is unless overridden."""
        return result

    async def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        """Predict; asks the predictor unless overridden. Raises `StepError` when that fails."""
        return await self._ask_predictor(payload, headers, response_headers)

    async def explain(self, payload: Any, headers: Any = None) -> Any:
        """Explain; asks the explainer, when there is one, unless overridden."""
        return await self._ask_explainer(payload, headers)

    async def _ask_predictor(self, payload: Any, headers: Headers, response_headers: Any) -> Any:
        config = self.predictor_config
        if config is None or not config.predictor_host:
            raise NotImplementedError(
                f"model {self.name} has no predict of its own and no predictor to ask; set --predictor_host"
            )
        if config.protocol == "grpc-v2":
            if not isinstance(payload, InferRequest):
                if not hasattr(payload, "raw_input_contents"):
                    raise InvalidInput(
                        "a predictor over grpc-v2 takes an InferRequest; make one in preprocess"
                    )
                payload = InferRequest.from_grpc(payload)
            metadata = [
                ("request_type", "grpc_v2"),
                ("response_type", "grpc_v2"),
                *forwarded(headers).items(),
            ]
            return await self._grpc_client.infer(infer_request=payload, headers=metadata)
        return await self._rest_client(spoken(payload, config.protocol)).infer(
            config.predictor_base_url,
            model_name=self.name,
            data=payload,
            headers=forwarded(headers),
            response_headers=response_headers,
        )

    async def _ask_explainer(self, payload: Any, headers: Headers) -> Any:
        if not (host := self.explainer_host or explainer_host()):
            raise no_explainer(self.name)
        if self._explainer is None:
            config = self.predictor_config
            self._explainer = InferenceRESTClient(
                RESTConfig(timeout=config.timeout if config else 600), step="explainer"
            )
        try:
            return await self._explainer.explain(f"http://{host}", self.name, payload, forwarded(headers))
        except StepError as error:
            raise no_explainer(self.name) if error.code == "step_unknown" else error from None

    @property
    def _http_client(self) -> InferenceRESTClient:
        config = self.predictor_config
        assert config is not None, "there is a predictor to ask"
        return self._rest_client(config.protocol)

    def _rest_client(self, protocol: str) -> InferenceRESTClient:
        config = self.predictor_config
        assert config is not None, "there is a predictor to ask"
        if protocol not in self._rest:
            asked = RESTConfig(protocol=protocol, timeout=config.timeout, retries=config.retries)
            self._rest[protocol] = InferenceRESTClient(asked)
        return self._rest[protocol]

    @property
    def _grpc_client(self) -> Any:
        if self._grpc is None:
            from kserve_lite_server.sdk.grpc_client import InferenceGRPCClient  # a large library, for few

            config = self.predictor_config
            assert config is not None, "there is a predictor to ask"
            assert config.predictor_host
            self._grpc = InferenceGRPCClient(
                with_port(config.predictor_host, config.use_ssl),
                use_ssl=config.use_ssl,
                timeout=config.timeout,
                retries=config.retries,
            )
        return self._grpc

    async def close_clients(self) -> None:
        """Close what the default hooks opened."""
        for client in (*self._rest.values(), self._grpc, self._explainer):
            if client is not None:
                await client.close()


def no_explainer(model: str) -> ServeError:
    """The refusal where nothing explains."""
    message = f"model {model} has no explainer; add an explainer to the InferenceService"
    return ServeError("not_implemented", message)


def spoken(payload: Any, protocol: str) -> str:
    """The REST protocol that fits a payload: tensors go over V2 and instances over V1, whatever the flag says."""
    if isinstance(payload, InferRequest):
        return "v2"
    return "v1" if isinstance(payload, dict) and "instances" in payload else protocol


def with_port(host: str, tls: bool) -> str:
    """The address with a port: gRPC's own default is 443, also without TLS."""
    last = host.rpartition("]")[2]
    return host if ":" in last else f"{host}:{443 if tls else 80}"
