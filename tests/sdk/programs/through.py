"""A transformer that changes nothing: what it answers is the predictor's doing. /tasks counts its tasks."""

import asyncio
from typing import Any

from kserve_lite_server.sdk import Model, ModelServer
from kserve_lite_server.sdk.flags import read


class Through(Model):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.load()


server = ModelServer()


@server.route("GET", "/tasks")
async def tasks(request: Any) -> dict[str, int]:
    return {"tasks": len(asyncio.all_tasks())}


if __name__ == "__main__":
    server.start([Through(read().model_name)])
