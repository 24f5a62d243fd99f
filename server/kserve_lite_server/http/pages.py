"""What people read: the page with a form, and OpenAPI of what this server serves."""

from functools import cache
from importlib.resources import files

from kserve_lite_server.errors import ServeError
from kserve_lite_server.http import openapi
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.request import Request
from kserve_lite_server.http.response import Response, json_response

# The page needs nothing from elsewhere, and nothing from elsewhere may get into it.
PAGE_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'"


async def root(context: Context, request: Request) -> Response:
    """A page for browsers, KServe's sign of life for everything else."""
    if "text/html" in request.headers.get("accept", ""):
        return _page()
    response = json_response({"status": "alive"})
    response.headers["vary"] = "accept"
    return response


async def docs(context: Context, request: Request) -> Response:
    """The page under KServe's name for it, when `--enable_docs_url` says so."""
    if not context.settings.enable_docs_url:
        raise ServeError(
            "not_found", "there is nothing at /docs; start the server with --enable_docs_url true"
        )
    return _page()


async def model_docs(context: Context, request: Request, model: str, version: str | None = None) -> Response:
    """The page of one model."""
    context.repository.model(model, version)
    return _page()


async def server_openapi(context: Context, request: Request) -> Response:
    """OpenAPI of all models that answer."""
    repository = context.repository
    return json_response(openapi.document([repository.model(name) for name in repository.names]))


async def model_openapi(
    context: Context, request: Request, model: str, version: str | None = None
) -> Response:
    """OpenAPI of one model."""
    return json_response(openapi.document([context.repository.model(model, version)]))


def _page() -> Response:
    headers = {"content-security-policy": PAGE_POLICY, "x-content-type-options": "nosniff", "vary": "accept"}
    return Response(body=_html(), content_type="text/html; charset=utf-8", headers=headers)


@cache
def _html() -> bytes:
    return files("kserve_lite_server.http").joinpath("page.html").read_bytes()
