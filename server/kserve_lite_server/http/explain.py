"""Explanations asked of the model server: handed to the InferenceService's explainer, when there is one."""

from kserve_lite_server.errors import ServeError
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.payload import read_payload
from kserve_lite_server.http.request import Request
from kserve_lite_server.http.response import Response

OF_THE_BODY = ("content-type", "inference-header-content-length")


async def explain(context: Context, request: Request, model: str, version: str | None = None) -> Response:
    """Hand the request to the explainer, and its answer back: status and body as they are."""
    context.repository.model(model, version)
    request.seen.model = model
    refusal = ServeError(
        "not_implemented", f"model {model} has no explainer; add an explainer to the InferenceService"
    )
    # The SDK brings a client library: a tenth of a second of every start, for few requests.
    from kserve_lite_server.sdk.forward import explainer_host, forwarded

    if (host := explainer_host()) is None:
        raise refusal
    from kserve_lite_server.sdk.endpoints import step_response, until_gone
    from kserve_lite_server.sdk.rest_client import InferenceRESTClient, RESTConfig
    from kserve_lite_server.sdk.steps import StepError

    payload = await read_payload(context, request)
    headers = forwarded(request.headers) | {
        n: request.headers[n] for n in OF_THE_BODY if n in request.headers
    }
    client = InferenceRESTClient(RESTConfig(timeout=context.settings.request_timeout), step="explainer")
    try:
        asked = client.post(f"http://{host}{request.path}", payload.body, headers)
        status, answered, body = await until_gone(request, asked)
    except StepError as error:
        if error.code == "step_unknown":
            raise refusal from None
        return step_response(error)
    finally:
        await client.close()
    kept = {name: answered[name] for name in OF_THE_BODY[1:] if name in answered}
    return Response(status, body, answered.get("content-type", "application/json"), kept)
