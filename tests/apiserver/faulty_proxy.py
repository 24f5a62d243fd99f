"""A proxy in front of the API server that lets some requests fail: refused, answered with an error, or answer lost."""

from __future__ import annotations

import json
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientSession, TCPConnector, web

HOP = frozenset({"host", "connection", "transfer-encoding", "content-length", "accept-encoding"})


class FaultyProxy:
    """Forwards everything; of `share` of the requests one of three things becomes. Watches break like the rest."""

    def __init__(self, kubeconfig: Path, share: float, seed: int = 1) -> None:
        config = json.loads(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self.target = cluster["server"]
        self.trust = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self.config = config
        self.share = share
        self.random = random.Random(seed)
        self.failed = 0

    @asynccontextmanager
    async def running(self, folder: Path) -> AsyncIterator[Path]:
        """Yield a kubeconfig that leads through the proxy."""
        async with ClientSession(
            connector=TCPConnector(ssl=self.trust, limit=0), auto_decompress=False
        ) as self.session:
            app = web.Application(client_max_size=64 << 20)
            app.router.add_route("*", "/{path:.*}", self._forward)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            assert site._server is not None
            port = site._server.sockets[0].getsockname()[1]
            through = json.loads(json.dumps(self.config))
            through["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{port}"}
            file = folder / "through-proxy"
            file.write_text(json.dumps(through))
            try:
                yield file
            finally:
                await runner.cleanup()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        fault = self.random.choice(("refuse", "error", "lose")) if self.random.random() < self.share else ""
        self.failed += bool(fault)
        if fault == "refuse":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if fault == "error":
            return web.Response(status=self.random.choice((500, 503, 429)), text="the proxy is in a mood")
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP}
        body = await request.read()
        async with self.session.request(
            request.method, f"{self.target}{request.rel_url}", headers=headers, data=body or None
        ) as answer:
            if fault == "lose":  # done, and nobody hears of it
                await answer.content.readany()
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP}
            passing = web.StreamResponse(status=answer.status, headers=kept)
            await passing.prepare(request)
            async for chunk in answer.content.iter_any():
                await passing.write(chunk)
            await passing.write_eof()
            return passing
