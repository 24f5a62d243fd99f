"""Models that use every hook: plain and async, slow, failing, streaming; a route and a metric of the program's own."""

import asyncio
import time
from typing import Any

from prometheus_client import Counter

from kserve_lite_server.sdk import InferenceError, InvalidInput, Model, ModelNotReady, ModelServer

SEEN = Counter("own_requests", "Counted by the program itself")


class Slow(Model):
    """A plain predict that takes as long as it is told; says how many run at once."""

    running = 0

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        Slow.running += 1
        most = Slow.running
        time.sleep(payload.get("seconds", 0))
        Slow.running -= 1
        return {"at once": most}


class Failing(Model):
    async def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        errors = {
            "invalid": InvalidInput("four values a row"),
            "inference": InferenceError("the model broke"),
            "unready": ModelNotReady("failing", "wait"),
            "unforeseen": KeyError("password is hunter2"),
        }
        raise errors[payload["kind"]]


class Streaming(Model):
    async def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        async def chunks() -> Any:
            for number in range(3):
                yield f"data: {number}\n\n"
                await asyncio.sleep(0)

        return chunks()


class Plain(Model):
    def get_input_types(self) -> list[dict[str, Any]]:
        return [{"name": "x", "datatype": "FP64", "shape": [-1, 2]}]

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        SEEN.inc()
        return (
            payload.upper()
            if isinstance(payload, bytes)
            else {"got": payload, "tenant": (headers or {}).get("x-t")}
        )


server = ModelServer()


@server.route("GET", "/features/{key}")
async def features(request: Any, key: str) -> dict[str, Any]:
    return {"key": key, "query": request.query}


@server.route("POST", "/fails")
def fails(request: Any) -> None:
    raise InvalidInput("not like this")


if __name__ == "__main__":
    models: list[Any] = [Slow("slow"), Failing("failing"), Streaming("streaming"), Plain("plain")]
    for model in models:
        model.load()
    server.start(models)
