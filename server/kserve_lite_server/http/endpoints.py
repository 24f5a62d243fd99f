"""The model server's table of endpoints."""

from kserve_lite_server.http import explain, health, pages, repository, scrape, v1, v2
from kserve_lite_server.http.routes import Route, Routes

ROUTES = Routes(
    [
        Route("GET", "/", pages.root),
        Route("GET", "/docs", pages.docs),
        Route("GET", "/openapi.json", pages.server_openapi),
        Route("GET", "/metrics", scrape.metrics),
        Route("GET", "/v1/models", v1.list_models),
        Route("GET", "/v1/models/{model}", v1.model_status),
        Route("POST", "/v1/models/{model}:predict", v1.predict, "v1"),
        Route("POST", "/v1/models/{model}:explain", explain.explain, "v1"),
        Route("GET", "/v2/health/live", health.live),
        Route("GET", "/v2/health/ready", health.ready),
        Route("GET", "/v2", v2.server_metadata),
        Route("GET", "/v2/models", v2.list_models),
        *(
            route
            for model in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
            for route in (
                Route("GET", model, v2.model_metadata),
                Route("GET", f"{model}/docs", pages.model_docs),
                Route("GET", f"{model}/openapi.json", pages.model_openapi),
                Route("GET", f"{model}/docs/dataplane.json", pages.model_openapi),
                Route("GET", f"{model}/ready", health.model_ready),
                Route("POST", f"{model}/infer", v2.infer, "v2"),
                Route("POST", f"{model}/explain", explain.explain, "v2"),
            )
        ),
        Route("POST", "/v2/repository/index", repository.index),
        Route("POST", "/v2/repository/models/{model}/load", repository.load),
        Route("POST", "/v2/repository/models/{model}/unload", repository.unload),
    ]
)
