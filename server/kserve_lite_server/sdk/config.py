"""Where the predictor is and how it is asked: read from the flags, or made by the model's own code."""

from enum import Enum


class PredictorProtocol(Enum):
    """What the predictor speaks."""

    REST_V1 = "v1"
    REST_V2 = "v2"
    GRPC_V2 = "grpc-v2"


def protocol_name(protocol: "str | PredictorProtocol") -> str:
    """The protocol as flags spell it. Raises `ValueError` for one that is not spoken."""
    return PredictorProtocol(protocol.lower() if isinstance(protocol, str) else protocol).value


class PredictorConfig:
    """The predictor of a transformer or explainer."""

    def __init__(
        self,
        predictor_host: str | None,
        predictor_protocol: str | PredictorProtocol = "v1",
        predictor_use_ssl: bool = False,
        predictor_request_timeout_seconds: float | None = 600,
        predictor_request_retries: int = 0,
        predictor_health_check: bool = False,
    ) -> None:
        """`predictor_host` may carry a port; retries are for connections that never came about."""
        self.predictor_host = predictor_host
        self.predictor_protocol = protocol_name(predictor_protocol)
        self.predictor_use_ssl = predictor_use_ssl
        self.predictor_request_timeout_seconds = predictor_request_timeout_seconds
        self.predictor_request_retries = predictor_request_retries
        self.predictor_health_check = predictor_health_check

    @property
    def predictor_base_url(self) -> str:
        """The URL before /v1 or /v2."""
        return f"{'https' if self.predictor_use_ssl else 'http'}://{self.predictor_host}"

    @property
    def protocol(self) -> str:
        """Short for `predictor_protocol`."""
        return self.predictor_protocol

    @property
    def timeout(self) -> float | None:
        """Short for `predictor_request_timeout_seconds`."""
        return self.predictor_request_timeout_seconds

    @property
    def retries(self) -> int:
        """Short for `predictor_request_retries`."""
        return self.predictor_request_retries

    @property
    def use_ssl(self) -> bool:
        """Short for `predictor_use_ssl`."""
        return self.predictor_use_ssl


_process: list[PredictorConfig | None] = [None]


def set_predictor(config: PredictorConfig | None) -> None:
    """Make a configuration the one of this process."""
    _process[0] = config


def predictor() -> PredictorConfig | None:
    """The configuration of this process."""
    return _process[0]
