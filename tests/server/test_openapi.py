"""schemathesis walks the Open Inference Protocol's OpenAPI document, and the one that the server writes of itself."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from tests.server.process import Server

pytestmark = pytest.mark.slow

DRAWN = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
NAMES = ("iris", "mixed", "text", "multi_label", "nope")


def conform(server: Server, document: Any, known: Any) -> int:
    """Draw requests of every operation of a document and judge the answers; the number of requests that were made."""
    made = 0
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()

        @DRAWN
        @given(operation.as_strategy(), st.sampled_from(NAMES), st.sampled_from(["1", "2"]))
        def judge(case: Any, model: str, version: str) -> None:
            nonlocal made
            made += 1
            for name, value in (("MODEL_NAME", model), ("MODEL_VERSION", version)):
                if name in (case.path_parameters or {}):
                    case.path_parameters[name] = value
            reply = case.call(base_url=f"http://127.0.0.1:{server.port}", timeout=30)
            case.validate_response(reply, checks=[not_a_server_error, response_schema_conformance])
            known(reply)

        judge()
    return made


def test_the_protocols_document_holds_for_drawn_requests(server: Server) -> None:
    document = yaml.safe_load(Path(__file__).with_name("open_inference.yaml").read_text())
    seen: set[int] = set()

    made = conform(server, document, lambda reply: seen.add(reply.status_code))

    assert made > 200
    assert {200, 400, 404} <= seen
    assert server.get("/v2/health/live").status == 200


@pytest.mark.parametrize("model", ["iris", "mixed", "text"])
def test_a_models_own_document_holds_for_drawn_requests(server: Server, model: str) -> None:
    document = server.get(f"/v2/models/{model}/openapi.json").json
    seen: set[int] = set()

    assert conform(server, document, lambda reply: seen.add(reply.status_code)) > 100
    assert seen <= {200, 400, 404, 413, 415}
