"""Which service gets a request."""

import pytest

from kserve_lite.local.route import Refusal, Route, choose
from kserve_lite.resolve.names import all_hosts


def route(name: str, namespace: str = "default", model: str | None = None) -> Route:
    return Route(f"{namespace}/{name}", model or name, all_hosts(name, namespace, (f"{name}-predictor",)))


IRIS, WINE, OTHER_IRIS = route("iris"), route("wine"), route("iris", "flowers")


@pytest.mark.parametrize(
    "host",
    [
        "iris.default.svc.cluster.local",
        "iris.default.svc.cluster.local:8080",
        "IRIS.Default.svc.cluster.local.",
        "iris.default.svc",
        "iris.default",
        "iris-default.example.com",
        "iris-predictor.default",
        "iris-predictor-default.example.com:80",
        "iris",
    ],
)
def test_a_host_of_the_cluster_leads_to_its_service_whatever_the_path(host: str) -> None:
    assert choose([WINE, IRIS], host, "/v1/models/wine:predict") is IRIS


@pytest.mark.parametrize(
    "host", ["localhost:8080", "127.0.0.1", "[::1]:8080", "", "0.0.0.0:80", "iris.localhost"]
)
@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/wine",
        "/v1/models/wine:predict",
        "/v2/models/wine/infer",
        "/v2/repository/models/wine/load",
        "/v1/models/w%69ne:predict",
    ],
)
def test_on_this_machines_names_the_model_in_the_path_decides(host: str, path: str) -> None:
    assert choose([IRIS, WINE], host, path) is WINE


@pytest.mark.parametrize("path", ["/", "/metrics", "/v1/models/nope", "/v2"])
def test_a_single_service_answers_every_path_itself(path: str) -> None:
    assert choose([IRIS], "localhost", path) is IRIS


@pytest.mark.parametrize(
    ("host", "path", "status", "code", "said"),
    [
        pytest.param(
            "nope.default", "/", 404, "unknown_host", "no InferenceService has the host", id="unknown host"
        ),
        pytest.param(
            "localhost",
            "/v2/health/ready",
            404,
            "service_not_named",
            "Add a Host header",
            id="no model in it",
        ),
        pytest.param(
            "localhost", "/v1/models/nope", 404, "model_not_found", "Known: iris, wine", id="unknown model"
        ),
        pytest.param(
            "localhost",
            "/v1/models/iris",
            409,
            "ambiguous_service",
            "default/iris and flowers/iris",
            id="two of a name",
        ),
        pytest.param(
            "iris",
            "/v1/models/iris",
            409,
            "ambiguous_service",
            "iris.flowers.svc.cluster.local",
            id="short host",
        ),
    ],
)
def test_what_leads_nowhere_is_answered_with_the_way_out(
    host: str, path: str, status: int, code: str, said: str
) -> None:
    refusal = choose([IRIS, WINE, OTHER_IRIS], host, path)

    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (status, code)
    assert said.lower() in refusal.message.lower()


def test_two_services_whose_outside_hosts_collide_are_not_confused() -> None:
    refusal = choose([route("a-b", "c"), route("a", "b-c")], "a-b-c.example.com", "/v1/models/a")

    assert isinstance(refusal, Refusal)
    assert refusal.code == "ambiguous_service"
