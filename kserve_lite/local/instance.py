"""One running version of a service: its files fetched, its server started, its model asked whether it answers."""

import asyncio
import contextlib
import json
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from kserve_lite.api.problems import Problem
from kserve_lite.local import ports
from kserve_lite.local.events import Log, Phase, Progress, Report
from kserve_lite.local.gateway import Backend
from kserve_lite.local.plan import Fetch, Plan
from kserve_lite.local.process import Process

_FIRST_LOOK, _LONGEST_LOOK = 0.02, 0.5
_STILL_LOADING = 10.0
_LONGEST_SAMPLE = 2000
_LAST_WORD = re.compile(r"kserve-lite-server: error: (?P<sentence>.*?)(?: \[(?P<code>\w+)\])?$")


class CannotServe(Exception):
    """This version never answered."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Instance:
    """A version of a service from its start to its end; `folder` is its own and goes with it."""

    def __init__(self, plan: Plan, folder: Path, report: Report, log_format: str = "text") -> None:
        """Nothing happens before `start`."""
        self.plan = plan
        self.backend: Backend
        self._folder = folder
        self._report = report
        self._log_format = log_format
        self._process: Process | None = None
        self._ready = False

    @property
    def running(self) -> bool:
        """Whether the model answered, and its server has not ended since."""
        return self._ready and self._process is not None and self._process.alive

    async def start(self) -> None:
        """Fetch, start and wait until the model answers. Raises `CannotServe`; then nothing of it is left running."""
        started = time.monotonic()
        try:
            self._folder.mkdir(parents=True)
            for fetch in self.plan.fetches:
                self._report(Phase(self.plan.key, "Downloading", fetch.uri))
                await self._fetch(fetch)
            self._report(Phase(self.plan.key, "Loading", self.plan.runtime))
            await self.launch()
        except BaseException:
            await self.stop(grace=0.5)
            raise
        self._report(Phase(self.plan.key, "Ready", milliseconds=round((time.monotonic() - started) * 1000)))

    async def launch(self) -> None:
        """Start the server on the files that are there, and wait until the model answers. Raises `CannotServe`."""
        http_port, grpc_port = ports.free(2)
        command = self.plan.command(self._folder, http_port, grpc_port, self._log_format)
        self._ready = False
        process = await Process.start(
            [sys.executable, "-m", "kserve_lite_server", *command],
            self.plan.environment(self._folder),
            self._folder,
            lambda line: self._report(Log(self.plan.key, line)),
        )
        self._process = process
        self.backend = Backend(URL.build(scheme="http", host="127.0.0.1", port=http_port), self.plan.timeout)
        ended = asyncio.create_task(process.wait())
        asked = asyncio.create_task(self._until_ready())
        try:
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise CannotServe(_why_it_ended(self.plan, ended.result(), list(process.tail)))
            asked.result()
            self._ready = True
        finally:
            asked.cancel()
            ended.cancel()

    async def sample(self) -> str | None:
        """Return a request body that fits the model, if its server can say one."""
        url = self.backend.url.join(URL(f"/v2/models/{quote(self.plan.route.model, safe='')}", encoded=True))
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client,
                client.get(url) as answer,
            ):
                body = (await answer.json())["parameters"]["sample_request"]
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
            return None  # a courtesy: the model answers all the same
        text = json.dumps(body, ensure_ascii=False)
        return text if body and len(text) <= _LONGEST_SAMPLE else None

    async def ended(self) -> int:
        """Wait for the server's end, expected or not, and return its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def retire(self, grace: float) -> None:
        """Let running requests finish, then end the server and remove its folder. No new request may come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.backend.idle.wait()
        await self.stop(grace)

    async def stop(self, grace: float) -> None:
        """End the server, by force after `grace` seconds, and remove what was fetched."""
        if self._process is not None:
            await self._process.stop(grace)
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _fetch(self, fetch: Fetch) -> None:
        target = self.plan.folders(self._folder)[fetch.mount_path]
        last: dict[str, Any] = {}

        def told(line: str) -> None:
            with contextlib.suppress(ValueError):
                last.update(json.loads(line))
            if last.get("phase") == "downloading":
                self._report(Progress(self.plan.key, fetch.uri, last["bytes"], last["total"], last["files"]))

        process = await Process.start(
            [sys.executable, "-m", "kserve_lite_server.storage", fetch.uri, str(target)],
            self.plan.environment(self._folder),
            self._folder,
            on_line=lambda line: None,  # the same once more, for a person; its tail tells of a crash
            on_output=told,
        )
        self._process = process
        code = await process.wait()
        self._process = None
        if last.get("phase") == "failed":
            raise CannotServe(
                Problem(last["code"], fetch.path, _sentence(last["message"]), _sentence(last["remedy"]))
            )
        if code:
            tail = " / ".join(list(process.tail)[-3:]) or "it said nothing"
            message = f"fetching {fetch.uri} ended with code {code}: {tail}"
            raise CannotServe(Problem("storage_failed", fetch.path, message))

    async def _until_ready(self) -> None:
        """Return when the model says that it is ready: the question that the pod's probe asks."""
        pause, waited = _FIRST_LOOK, time.monotonic()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with client.get(self.backend.url.join(URL(self.plan.probe))) as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(pause)
                pause = min(pause * 1.3, _LONGEST_LOOK)
                if time.monotonic() - waited > _STILL_LOADING:
                    waited = time.monotonic()
                    self._report(Phase(self.plan.key, "Loading", "still, the model does not answer yet"))


def _sentence(text: str) -> str:
    return text.strip().removesuffix(".")


def _why_it_ended(plan: Plan, code: int, tail: list[str]) -> Problem:
    """Read the server's last word, `kserve-lite-server: error: <sentence> [<code>]`, or pass on its last line."""
    for line in reversed(tail):
        if said := _LAST_WORD.match(line):
            message, _, remedy = said["sentence"].partition("; ")
            return Problem(said["code"] or "server_refused", plan.field, message, remedy)
    last = next((line for line in reversed(tail) if line.strip()), "it said nothing")
    message = f"the server ended with code {code} before the model answered: {last}"
    return Problem("model_not_loaded", plan.field, message, "its log above says more")
